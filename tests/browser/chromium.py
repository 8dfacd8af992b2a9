"""A headless Chromium, driven over two pipes with the DevTools protocol: nothing but Python's own library."""

import json
import os
import select
import shutil
import subprocess
import tempfile
import time

# What keeps Chromium from talking to anybody, and from wanting a screen.
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
]
PATIENCE_S = 120


class Chromium:
    """The process, and one tab."""

    def __init__(self, program):
        self.home = tempfile.mkdtemp(prefix="jetlag-browser-")
        to_us, theirs_out = os.pipe()
        theirs_in, to_them = os.pipe()

        def place():
            # Chromium reads commands from 3 and writes what happens to 4; neither may hide the other.
            read, write = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(read, 3)
            os.dup2(write, 4)

        words = [program, *FLAGS, f"--user-data-dir={self.home}", "about:blank"]
        self.process = subprocess.Popen(
            words, preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.read, self.write = to_us, to_them
        self.rest = b""
        self.number = 0
        self.events = []
        self.session = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.ask(f"{domain}.enable")

    def close(self):
        """Ends the process, whatever it is doing."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def hear(self, until):
        """The next message, or None when there is none in time."""
        while b"\0" not in self.rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.read], [], [], left)[0]:
                return None
            piece = os.read(self.read, 1 << 20)
            if not piece:
                raise RuntimeError("Chromium ended by itself")
            self.rest += piece
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, **params):
        """Sends a command and waits for its answer; events that come before are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE_S
        while True:
            heard = self.hear(until)
            if heard is None:
                raise RuntimeError(f"Chromium did not answer {method} within {PATIENCE_S} s")
            if heard.get("id") == self.number:
                if "error" in heard:
                    raise RuntimeError(f"{method}: {heard['error']}")
                return heard["result"]
            if "method" in heard:
                self.events.append(heard)

    def open(self, url):
        """Opens a page and waits until it is loaded."""
        self.events.clear()
        self.ask("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'", "the page to be loaded")

    def value(self, expression):
        """What an expression gives in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def wait(self, condition, what):
        """Waits until a condition holds in the page."""
        until = time.monotonic() + PATIENCE_S
        while not self.value(condition):
            if time.monotonic() > until:
                raise RuntimeError(f"waited in vain for {what}")
            time.sleep(0.02)

    def mouse(self, kind, x, y, **more):
        """Moves, presses or releases."""
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def drag(self, start, end):
        """From one point to another with the left button."""
        held = {"button": "left", "buttons": 1, "clickCount": 1}
        self.mouse("mouseMoved", *start)
        self.mouse("mousePressed", *start, **held)
        self.mouse("mouseMoved", (start[0] + end[0]) / 2, end[1], button="left", buttons=1)
        self.mouse("mouseMoved", *end, button="left", buttons=1)
        self.mouse("mouseReleased", *end, **held)

    def key(self, key):
        """Presses a key."""
        text = {"text": key} if len(key) == 1 else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key)
