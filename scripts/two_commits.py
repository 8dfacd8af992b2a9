"""What scripts share that hold one commit against another: checkouts of their own, and builds that share what both need."""
import contextlib, fcntl, json, os, pathlib, shutil, signal, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# One folder for all builds: dependencies of both commits are built once.
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
# Words that mean nothing else: bad words or refs, and an environment that does not serve.
WORDS, ENVIRONMENT = 2, 3


def stop(code, message):
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)


def git(*words, where=ROOT):
    return subprocess.run(["git", *words], cwd=where, capture_output=True, text=True)


def commit(ref):
    """The commit that a ref names."""
    found = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if found.returncode != 0:
        stop(WORDS, f"`{ref}` is no commit here. A shallow clone lacks older ones: `git fetch --unshallow`, or in CI a checkout with the whole history")
    return found.stdout.strip()


def told(ref):
    """A commit for people: its short id and its subject."""
    return git("log", "-1", "--format=%h %s", commit(ref)).stdout.strip()


def _remove(path):
    git("worktree", "remove", "--force", str(path))
    shutil.rmtree(path, ignore_errors=True)
    git("worktree", "prune")


@contextlib.contextmanager
def alone(name):
    """A folder `target/NAME` that no other run of the script has at the same time."""
    # A stop that is asked for politely cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder = TARGET / name
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stop(ENVIRONMENT, f"another {name} works in {folder}; wait for its end")
        yield folder


@contextlib.contextmanager
def checkout(path, ref):
    """A git worktree of a commit, removed in the end; what a killed run left there is removed first."""
    _remove(path)
    added = git("worktree", "add", "--detach", "--force", str(path), commit(ref))
    if added.returncode != 0:
        stop(ENVIRONMENT, f"no worktree of `{ref}`: {added.stderr.strip()}")
    try:
        yield path
    finally:
        _remove(path)


def to_its_end(words):
    """Runs a program and gives its exit code. Whoever stops the script stops the program too, which then ends in good order."""
    process = subprocess.Popen(words)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # The terminal told both.
        except SystemExit:
            process.terminate()


def cargo(where, *words, **environment):
    """Runs cargo on a checkout, and gives the programs that it made by their names."""
    words = ["cargo", *words, "--locked", "--message-format=json-render-diagnostics"]
    built = subprocess.run(words, cwd=where, stdout=subprocess.PIPE, text=True, env=os.environ | {"CARGO_TARGET_DIR": str(TARGET)} | environment)
    if built.returncode != 0:
        stop(ENVIRONMENT, f"{where}: `{' '.join(words[:-2])}` failed; see above")
    lines = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    return {line["target"]["name"]: pathlib.Path(line["executable"]) for line in lines if line.get("executable")}
