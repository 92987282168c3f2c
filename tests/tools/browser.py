"""browser.py URL STEP ...: opens a page in a headless Chromium and goes through the steps, each a word and the rest:

size WIDTH HEIGHT   of the window, in pixels of a phone or a screen
dark, light         what the user prefers
wait EXPRESSION     until this JavaScript is true, or PATIENCE is over: then what the page shows is printed
print EXPRESSION    its value as JSON, a line
key NAME            pressed and let go: Enter, Tab, Escape, ArrowDown, or a character
type TEXT           character by character
shot FILE           a PNG of the whole page
sh COMMAND          something outside of the browser

BROWSER_FLAG in the environment is one more option of Chromium's.

Exits with 1 when a wait is in vain, and when the page has logged an error or broken its policy.
"""
import base64
import json
import os
import subprocess
import sys
import tempfile
import time

# Time limit in seconds. It is not a measurement. The page waits up to a minute before it asks again
# if answers take long.
PATIENCE = 180
KEYS = {"Enter": (13, "\r"), "Tab": (9, ""), "Escape": (27, ""), "ArrowDown": (40, ""), "ArrowUp": (38, "")}


class Browser:
    """Chromium's protocol over its pipe: JSON, each ended by a NUL."""

    def __init__(self, profile):
        there, self.commands = os.pipe()
        self.answers, back = os.pipe()
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                 "--no-first-run", "--disable-background-networking", "--disable-component-update",
                 "--remote-debugging-pipe", f"--user-data-dir={profile}",
                 *filter(None, [os.environ.get("BROWSER_FLAG")]), "about:blank"]

        def pipes():  # in the child they are fd 3 and 4
            a, b = os.dup2(there, 103), os.dup2(back, 104)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(["chromium", *flags], preexec_fn=pipes, close_fds=False,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        os.close(there)
        os.close(back)
        self.buffer, self.last, self.session, self.troubles = b"", 0, None, []
        target = self.first_page()
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")

    def first_page(self):
        """It answers before it has one."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for target in self.call("Target.getTargets")["targetInfos"]:
                if target["type"] == "page":
                    return target
            time.sleep(0.1)
        sys.exit("browser.py: chromium has opened no page")

    def read(self):
        while b"\0" not in self.buffer:
            piece = os.read(self.answers, 65536)
            if not piece:
                sys.exit("browser.py: chromium has ended")
            self.buffer += piece
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.last:
                if "error" in answer:
                    sys.exit(f"browser.py: {method}: {answer['error']['message']}")
                return answer["result"]
            self.note(answer)

    def note(self, event):
        params = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.troubles.append(details.get("exception", {}).get("description", details["text"]))
        elif event.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            # Some tests stop the server on purpose.
            if params["entry"]["source"] != "network":
                self.troubles.append(params["entry"]["text"])

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            sys.exit(f"browser.py: {expression}: {result['exceptionDetails']['exception']['description']}")
        return result["result"].get("value")

    def wait(self, expression):
        end = time.monotonic() + PATIENCE
        while not self.value(expression):
            if time.monotonic() > end:
                print(self.value("document.body.innerText"))
                sys.exit(f"browser.py: waited in vain for {expression}; {self.troubles}")
            time.sleep(0.1)

    def key(self, name):
        code, text = KEYS.get(name, (ord(name.upper()) if len(name) == 1 else 0, name))
        key = {"key": name, "windowsVirtualKeyCode": code, **({"code": name} if name in KEYS else {})}
        self.call("Input.dispatchKeyEvent", type="keyDown", **key, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **key)

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=int(width), height=int(height), deviceScaleFactor=1,
                  mobile=int(width) < 600)

    def prefer(self, scheme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def shot(self, file):
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        with open(file, "wb") as out:
            out.write(base64.b64decode(picture["data"]))


def step(browser, word, rest):
    if word == "size":
        browser.size(*rest.split())
    elif word in ("dark", "light"):
        browser.prefer(word)
    elif word == "wait":
        browser.wait(rest)
    elif word == "print":
        print(json.dumps(browser.value(rest), ensure_ascii=False), flush=True)
    elif word == "key":
        browser.key(rest)
    elif word == "type":
        for character in rest:
            browser.key(character)
    elif word == "shot":
        browser.shot(rest)
    elif word == "sh":
        subprocess.run(rest, shell=True, check=True)
    else:
        sys.exit(f"browser.py: unknown step \"{word}\"")


def main():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            browser.size(1100, 800)
            trouble = browser.call("Page.navigate", url=sys.argv[1]).get("errorText")
            if trouble:
                sys.exit(f"browser.py: {sys.argv[1]}: {trouble}")
            for argument in sys.argv[2:]:
                step(browser, *(argument.split(" ", 1) + [""])[:2])
            if browser.troubles:
                sys.exit("browser.py: " + "\n".join(browser.troubles))
        finally:
            browser.process.kill()
            browser.process.wait()


main()
