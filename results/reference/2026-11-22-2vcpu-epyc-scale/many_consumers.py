"""What thousands of private consumers on one stream cost the server. Usage: many_consumers.py NATS_SERVER_BINARY

Speaks the protocol itself, over one connection; starts the server in a folder of its own and ends it."""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PORT = 24999
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


class Server:
    def __init__(self, binary, folder):
        self.process = subprocess.Popen(
            [binary, "-js", "-sd", folder, "-p", str(PORT), "-a", "127.0.0.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.asked = 0

    def connect(self):
        for _ in range(100):
            try:
                self.socket = socket.create_connection(("127.0.0.1", PORT))
                break
            except OSError:
                time.sleep(0.1)
        self.lines = self.socket.makefile("rb")
        self.lines.readline()
        self.socket.sendall(b'CONNECT {"verbose":false}\r\nSUB in.* 1\r\nPING\r\n')

    def ask(self, subject, body):
        self.asked += 1
        payload = json.dumps(body).encode()
        self.socket.sendall(f"PUB $JS.API.{subject} in.{self.asked} {len(payload)}\r\n".encode() + payload + b"\r\n")
        while True:
            line = self.lines.readline()
            if line.startswith(b"PING"):
                self.socket.sendall(b"PONG\r\n")
            elif line.startswith(b"MSG"):
                return json.loads(self.lines.read(int(line.split()[-1]) + 2)[:-2])

    def create(self, stream, partition):
        name, subject = f"g-p{partition}-e1", f"{stream.lower()}.{partition}"
        config = {"name": name, "deliver_policy": "by_start_sequence", "opt_start_seq": 1, "ack_policy": "none",
                  "filter_subject": subject, "mem_storage": True, "num_replicas": 1, "inactive_threshold": 600 * 10**9}
        return self.ask(f"CONSUMER.CREATE.{stream}.{name}.{subject}", {"stream_name": stream, "action": "create", "config": config})

    def list_names(self, stream):
        offset = pages = 0
        while True:
            page = self.ask(f"CONSUMER.NAMES.{stream}", {"offset": offset})
            offset, pages = offset + len(page["consumers"]), pages + 1
            if offset >= page["total"]:
                return pages

    def cpu_ms(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().split()
        return (int(fields[13]) + int(fields[14])) * TICK_MS

    def memory_kib(self):
        return next(int(line.split()[1]) for line in open(f"/proc/{self.process.pid}/status") if line.startswith("VmRSS"))


def measure(server):
    print("max_consumers by default:", server.ask("STREAM.CREATE.A", {"name": "A", "subjects": ["a.*"]})["config"].get("max_consumers"))
    for partition in range(1100):
        answer = server.create("A", partition)
        if "error" in answer:
            print("consumer", partition + 1, "is refused:", answer["error"])
            break
    server.ask("STREAM.DELETE.A", {})
    server.ask("STREAM.CREATE.B", {"name": "B", "subjects": ["b.*"], "max_consumers": 20000})
    base_kib, made = server.memory_kib(), 0
    for target in (100, 1000, 3000, 10000):
        began_ms = server.cpu_ms()
        for partition in range(made, target):
            answer = server.create("B", partition)
            if "error" in answer:
                sys.exit(str(answer))
        create_ms, made = (server.cpu_ms() - began_ms) / (target - made), target
        costs, began_ms = [], server.cpu_ms()
        for _ in range(10):
            began = time.monotonic()
            pages = server.list_names("B")
            costs.append((time.monotonic() - began) * 1000)
        print(f"{target} consumers: create {create_ms:.2f} ms of server CPU; list {pages} pages, {(server.cpu_ms() - began_ms) / 10:.1f} ms of "
              f"server CPU, median {statistics.median(costs):.1f} ms; {(server.memory_kib() - base_kib) / target:.0f} KiB each", flush=True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = Server(sys.argv[1], folder)
        try:
            server.connect()
            measure(server)
        finally:
            server.process.kill()
            server.process.wait()


main()
