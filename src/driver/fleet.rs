//! The worker processes: started, told, struck, heard. Deeds only; whom to strike is decided in `fault`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, Command};
use tokio::sync::mpsc;

use super::Error;
use crate::clock;
use crate::fault;
use crate::model::record::{Author, Role};
use crate::model::time::MonoNs;
use crate::process::{self, Child, Exit, Families, Group, Handle, Pid};
use crate::protocol::{Assignment, Job, Order, Word};

/// Something heard from, or of, a worker.
#[derive(Debug)]
pub(super) enum Heard {
    /// It said something.
    Word(Author, Word),
    /// Its process ended.
    Exited {
        /// Who.
        author: Author,
        /// How.
        exit: Exit,
        /// The last lines of its standard error.
        last_words: String,
    },
    /// It was seen to be stopped.
    Stopped {
        /// Who.
        author: Author,
        /// When.
        at: MonoNs,
    },
}

/// An end that was ordered, from the one that leaves most to the worker to the one that leaves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EndOrder {
    /// To end in good order: the load has ceased, or the member shall leave.
    GoodOrder,
    /// SIGTERM, which one that is ready takes as the order to leave. Before that it may die of it.
    Terminate {
        /// Whether it had said that it is ready.
        ready: bool,
    },
    /// SIGKILL.
    Kill,
    /// SIGKILL when the work is over, to whoever is left: it may end by itself in that instant.
    Finish,
}

/// Whether an end is the one that was ordered. Whoever is told to leave and crashes on the way was not told to crash.
fn was_ordered(order: Option<EndOrder>, exit: Exit, failed: bool) -> bool {
    let by = |signal: Signal| exit.signal == Some(signal.as_raw());
    !failed
        && match order {
            None => false,
            Some(EndOrder::GoodOrder) => exit.is_success(),
            Some(EndOrder::Terminate { ready }) => exit.is_success() || (!ready && by(Signal::TERM)),
            Some(EndOrder::Kill) => by(Signal::KILL),
            Some(EndOrder::Finish) => true,
        }
}

/// How long and how often it is looked whether somebody is stopped: SIGSTOP is a matter of microseconds, when a core is free.
const STOPPED_WITHIN: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// How much of a worker's standard error is kept.
const LAST_WORDS_BYTES: u64 = 4096;

/// One worker process, alive or ended.
pub(super) struct Worker {
    author: Author,
    handle: Handle,
    pid: Pid,
    stdin: ChildStdin,
    /// Whether it runs a program of the user's own: then that is what is struck, and the worker, which listens to it, is not.
    runs_a_program: bool,
    /// Who was struck with SIGSTOP.
    stopped: Vec<Handle>,
    /// Whether its program ended, and the worker ends because of that.
    program_ended: bool,
    /// What it is doing, as the fault room sees it.
    pub(super) state: fault::State,
    /// Which end was ordered, if any.
    end_order: Option<EndOrder>,
    /// Why it ended, in its own words.
    pub(super) failure: Option<String>,
    /// The partitions that it believes to own.
    pub(super) owns: std::collections::BTreeSet<u16>,
    /// Whether it said that it is ready.
    pub(super) ready: bool,
    /// Whether its part of the backlog is stored.
    pub(super) filled: bool,
    /// Whether its process has ended.
    pub(super) ended: bool,
}

impl Worker {
    /// Sends `order`. A worker that is gone is not an error here: its exit is heard of.
    pub(super) async fn tell(&mut self, order: &Order) {
        let Ok(mut line) = serde_json::to_vec(order) else { return };
        line.push(b'\n');
        let _ = self.stdin.write_all(&line).await;
        let _ = self.stdin.flush().await;
    }

    /// Notes that its end is ordered. What was ordered before and reaches further stays: who was killed and is then told
    /// to leave dies of the kill.
    pub(super) fn order_end(&mut self, order: EndOrder) {
        self.end_order = self.end_order.max(Some(order));
    }

    /// Whether it ended as it was ordered to.
    pub(super) fn was_ordered(&self, exit: Exit) -> bool {
        // It has told what became of its program, and how that came: its own end says nothing more.
        (self.program_ended && exit.is_success()) || was_ordered(self.end_order, exit, self.failure.is_some())
    }

    /// Notes that its program has ended. Returns whether its end was ordered; `None` when that is no news, because it was
    /// killed.
    pub(super) fn note_program_end(&mut self, how: Exit, message: &str) -> Option<bool> {
        self.program_ended = true;
        if !self.ready {
            let words = if message.is_empty() { String::new() } else { format!("; {message}") };
            self.failure = Some(format!("its program ended before it was ready: it {how}{words}"));
        }
        match self.end_order {
            Some(EndOrder::Kill | EndOrder::Finish) => None,
            order => Some(order.is_some()),
        }
    }

    /// Kills it (SIGKILL). A worker that runs a program is left to read the program's last words; then it ends by itself.
    ///
    /// Who has ended in this instant cannot be signalled: the exit is heard of and judged there.
    pub(super) fn kill(&mut self) {
        let family = self.stop_family();
        if family.is_empty() {
            let _ = self.handle.kill();
        }
        for handle in family {
            let _ = handle.kill();
        }
    }

    /// Asks it to leave (SIGTERM); it asks its program.
    pub(super) fn terminate(&self) {
        let _ = self.handle.terminate();
    }

    /// Pauses it (SIGSTOP).
    pub(super) fn pause(&mut self) {
        let family = self.stop_family();
        if family.is_empty() {
            let _ = self.handle.stop();
            self.stopped.push(self.handle.clone());
        } else {
            self.stopped.extend(family);
        }
    }

    /// Ends its pause (SIGCONT).
    pub(super) fn resume(&mut self) {
        for handle in self.stopped.drain(..) {
            let _ = handle.cont();
        }
    }

    /// Its program and what descends from it, stopped; empty when it runs none, or none yet.
    fn stop_family(&self) -> Vec<Handle> {
        if self.runs_a_program { process::stop_descendants(self.pid) } else { Vec::new() }
    }

    /// The processes whose use of the machine is its own: itself, or the program that it listens to.
    pub(super) fn family(&self, families: &Families) -> Vec<Pid> {
        if self.runs_a_program { families.below(self.pid) } else { vec![self.pid] }
    }

    /// Which incarnation it is.
    pub(super) fn author(&self) -> Author {
        self.author
    }
}

/// All workers of a run, every incarnation.
pub(super) struct Fleet {
    exe: PathBuf,
    group: Group,
    hearing: mpsc::UnboundedSender<Heard>,
    workers: BTreeMap<Author, Worker>,
}

impl Fleet {
    /// A fleet of processes of `exe`, all in `group`; what is heard of them goes to `hearing`.
    ///
    /// The channel needs no bound: a worker says a few words a second.
    pub(super) fn new(exe: PathBuf, group: Group, hearing: mpsc::UnboundedSender<Heard>) -> Self {
        Self { exe, group, hearing, workers: BTreeMap::new() }
    }

    /// Starts a worker and gives it its assignment. Returns its pid.
    pub(super) async fn start(&mut self, assignment: Assignment) -> Result<Pid, Error> {
        let author = assignment.author;
        let runs_a_program = matches!(&assignment.job, Job::Consume { strategy, .. } if strategy.runs_a_program());
        let mut command = Command::new(&self.exe);
        command.arg0("jetlag").arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Child::spawn(&author.to_string(), command, self.group)?;
        let pid = child.pid();
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin(), child.stdout(), child.stderr()) else {
            return Err(Error::NoPipe { process: author.to_string() });
        };
        let mut worker = Worker {
            author,
            handle: child.handle(),
            pid,
            stdin,
            runs_a_program,
            stopped: Vec::new(),
            program_ended: false,
            state: fault::State::Live,
            end_order: None,
            failure: None,
            owns: Default::default(),
            ready: false,
            filled: false,
            ended: false,
        };
        let hearing = self.hearing.clone();
        tokio::task::spawn_local(async move {
            let mut words = BufReader::new(stdout).lines();
            let last_words = tokio::task::spawn_local(last_words(stderr));
            while let Ok(Some(line)) = words.next_line().await {
                if let Ok(word) = serde_json::from_str(&line) {
                    let _ = hearing.send(Heard::Word(author, word));
                }
            }
            let exit = child.wait().await.unwrap_or(Exit { code: None, signal: None });
            let last_words = last_words.await.unwrap_or_default();
            let _ = hearing.send(Heard::Exited { author, exit, last_words });
        });
        worker.tell(&Order::Assign(Box::new(assignment))).await;
        self.workers.insert(author, worker);
        Ok(pid)
    }

    /// The incarnation `author`.
    pub(super) fn get_mut(&mut self, author: Author) -> Option<&mut Worker> {
        self.workers.get_mut(&author)
    }

    /// The latest incarnation of member `index`.
    pub(super) fn member_mut(&mut self, index: u16) -> Option<&mut Worker> {
        let of_member = |worker: &&mut Worker| worker.author.role == Role::Consumer && worker.author.index == index;
        self.workers.values_mut().filter(of_member).last()
    }

    /// All workers, dead ones too.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Worker> {
        self.workers.values()
    }

    /// All workers of a role whose process has not ended.
    pub(super) fn running_mut(&mut self, role: Role) -> impl Iterator<Item = &mut Worker> {
        self.workers.values_mut().filter(move |worker| worker.author.role == role && !worker.ended)
    }

    /// Whether any process of `role` runs.
    pub(super) fn any_running(&self, role: Role) -> bool {
        self.workers.values().any(|worker| worker.author.role == role && !worker.ended)
    }

    /// Looks at whom a pause has struck until all of them are stopped, and lets it be heard of.
    pub(super) fn look_until_stopped(&self, author: Author) {
        let Some(worker) = self.workers.get(&author) else { return };
        let (stopped, hearing) = (worker.stopped.clone(), self.hearing.clone());
        tokio::task::spawn_local(async move {
            let give_up = clock::now() + STOPPED_WITHIN.into();
            while clock::now() < give_up {
                if stopped.iter().all(process::is_stopped) {
                    let _ = hearing.send(Heard::Stopped { author, at: clock::now() });
                    return;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
    }

    /// The members as the fault room sees them, with the owners of `partitions` partitions.
    pub(super) fn snapshot(&self, partitions: u16) -> fault::Fleet {
        let mut members: Vec<fault::Member> = Vec::new();
        let mut owners = vec![None; usize::from(partitions)];
        for worker in self.workers.values().filter(|worker| worker.author.role == Role::Consumer) {
            let member = fault::Member { index: worker.author.index, life: worker.author.life, state: worker.state };
            match members.last_mut() {
                Some(last) if last.index == member.index => *last = member,
                _ => members.push(member),
            }
            if !worker.ended {
                for partition in &worker.owns {
                    if let Some(owner) = owners.get_mut(usize::from(*partition)) {
                        *owner = Some(worker.author.index);
                    }
                }
            }
        }
        fault::Fleet { members, owners, ..fault::Fleet::default() }
    }

    /// Notes that a process has ended.
    pub(super) fn note_end(&mut self, author: Author, at: MonoNs) {
        if let Some(worker) = self.workers.get_mut(&author) {
            worker.ended = true;
            if worker.state != fault::State::Left {
                worker.state = fault::State::Dead { since: at };
            }
        }
    }

    /// Ends every process that still runs, paused or not.
    pub(super) fn kill_all(&mut self) {
        for worker in self.workers.values_mut().filter(|worker| !worker.ended) {
            worker.order_end(EndOrder::Finish);
            worker.state = fault::State::Dead { since: clock::now() };
            // It may have ended in this instant: nobody is left to signal then.
            let family = worker.stop_family();
            let _ = worker.handle.kill();
            for handle in family {
                let _ = handle.kill();
            }
        }
    }
}

/// The first bytes that a worker writes to its standard error; the rest is read and dropped, so that it never blocks.
async fn last_words(mut stderr: tokio::process::ChildStderr) -> String {
    let mut kept = Vec::new();
    let _ = (&mut stderr).take(LAST_WORDS_BYTES).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&kept).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_that_was_ordered_was_ordered() {
        use EndOrder::{Finish, GoodOrder, Kill, Terminate};
        let code = |code| Exit { code: Some(code), signal: None };
        let signal = |signal: Signal| Exit { code: None, signal: Some(signal.as_raw()) };
        let (fine, failure, panic) = (code(0), code(1), code(101));
        let (killed, terminated, crashed) = (signal(Signal::KILL), signal(Signal::TERM), signal(Signal::SEGV));
        let unknown = Exit { code: None, signal: None };
        let all = [fine, failure, panic, killed, terminated, crashed, unknown];
        let table: [(Option<EndOrder>, &[Exit]); 6] = [
            (None, &[]),
            (Some(GoodOrder), &[fine]),
            (Some(Terminate { ready: true }), &[fine]),
            (Some(Terminate { ready: false }), &[fine, terminated]),
            (Some(Kill), &[killed]),
            (Some(Finish), &all),
        ];
        for (order, asked) in table {
            for exit in all {
                assert_eq!(was_ordered(order, exit, false), asked.contains(&exit), "{order:?}: {exit}");
                assert!(!was_ordered(order, exit, true), "{order:?}: who says that it failed did not obey");
            }
        }
    }

    #[test]
    fn what_reaches_further_stays() {
        for ready in [false, true] {
            let terminate = EndOrder::Terminate { ready };
            assert!(EndOrder::GoodOrder < terminate && terminate < EndOrder::Kill);
        }
        assert!(EndOrder::Kill < EndOrder::Finish);
        assert!(Some(EndOrder::GoodOrder) > None);
    }
}
