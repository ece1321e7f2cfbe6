"""A page of another origin, in a real browser, that tries to use the embedded AWS."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.embedded import client, log_of

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
PAGE = """
<body><script>
const aws = "AWS", user = name => `Action=CreateUser&Version=2010-05-08&UserName=${name}`;
const read = promise => promise.then(answer => answer.text()).catch(error => "not read");
const json = {"Content-Type": "application/json", "X-Amz-Target": "AWSGlue.CreateDatabase"};
const attempts = {
  "get": () => read(fetch(aws + "/page-get")),
  "get-without-cors": () => read(fetch(aws + "/page-get-without-cors", {mode: "no-cors"})),
  "text": () => read(fetch(aws + "/page-text", {method: "POST", mode: "no-cors", body: user("page-text"),
                                                headers: {"Content-Type": "text/plain"}})),
  "json": () => read(fetch(aws + "/page-json", {method: "POST", headers: json,
                                                body: '{"DatabaseInput": {"Name": "page_json"}}'})),
  "put": () => read(fetch(aws + "/page-put", {method: "PUT"})),
  "image": () => new Promise(done => { const image = new Image();
    image.onload = () => done("loaded"); image.onerror = () => done("not read");
    image.src = aws + "/page-image?" + user("page-image"); }),
  "form": () => new Promise(done => { const frame = document.createElement("iframe"); frame.name = "frame";
    document.body.append(frame);
    const form = Object.assign(document.createElement("form"), {method: "POST", target: "frame"});
    form.action = aws + "/page-form";
    for (const [name, value] of new URLSearchParams(user("page-form")))
      form.append(Object.assign(document.createElement("input"), {name, value}));
    document.body.append(form); frame.onload = () => done(""); form.submit(); }),
};
(async () => {
  const told = {};
  for (const [name, attempt] of Object.entries(attempts)) told[name] = await attempt();
  await fetch("/told", {method: "POST", body: JSON.stringify(told)});
})();
</script></body>
"""
ATTEMPTS = ("get", "get-without-cors", "text", "json", "put", "image", "form")


class Site:
    """A web site on its own loopback port: it serves the page, and receives the page's reports."""

    def __init__(self, aws: str) -> None:
        self.told: dict[str, str] = {}
        self.done = threading.Event()
        site, page = self, PAGE.replace('"AWS"', json.dumps(aws)).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(page)

            def do_POST(self) -> None:
                site.told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(b"")
                site.done.set()

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def site(endpoint: str) -> Iterator[Site]:
    site = Site(endpoint)
    threading.Thread(target=site.server.serve_forever, daemon=True).start()
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.mark.skipif(BROWSER is None, reason="no chromium on the PATH: `apt-get install chromium`")
def test_a_page_of_another_origin_can_neither_act_nor_read(endpoint: str, site: Site) -> None:
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        command = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", site.url]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert site.done.wait(60), "the page did not come to its end"
        finally:
            browser.terminate()
            browser.wait(30)

    # To a page, a response that it may not read looks empty.
    blind = dict.fromkeys(("get-without-cors", "text", "form"), "")
    assert site.told == dict.fromkeys(ATTEMPTS, "not read") | blind
    reached = log_of(endpoint)
    assert [name for name in ATTEMPTS if f"/page-{name}: " not in reached] == []
    assert "page" not in str(client("iam", endpoint).list_users()["Users"])
    assert "page" not in str(client("glue", endpoint).get_databases()["DatabaseList"])
    assert "page" not in str(client("s3", endpoint).list_buckets()["Buckets"])
