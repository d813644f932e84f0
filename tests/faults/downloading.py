"""Disks that fill up while a real command fetches a corpus or an encoder, from a server on this machine."""

from __future__ import annotations

import hashlib
import io
import json
import random
import re
import shutil
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from commands import command, no_larger
from disks import PAGE, cannot_mount, shrink, small_disk, widen
from lab import Outcome

PIECE = 1 << 15
SHA = "a" * 40


@dataclass
class Web:
    """A hub, and a proxy that has every http: address: `files` by path. Ranges are honoured."""

    files: dict[str, bytes] = field(default_factory=dict)
    models: dict[str, list[str]] = field(default_factory=dict)
    before: Callable[[str, int], None] = lambda path, position: None
    """Called before each piece of a file that is sent."""
    sent: dict[str, int] = field(default_factory=dict)
    """Bytes sent so far by path."""
    port: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to come here for encoders, and for EmoDB, whose address is http:."""
        here = f"http://127.0.0.1:{self.port}"
        return {"HF_ENDPOINT": here, "http_proxy": here, "no_proxy": "127.0.0.1", "HF_HUB_DISABLE_TELEMETRY": "1"}

    def model(self, name: str, files: dict[str, bytes]) -> None:
        """Serve the model `name`."""
        self.models[name] = list(files)
        self.files.update({f"/{name}/resolve/{file}": data for file, data in files.items()})


@contextmanager
def web() -> Iterator[Web]:
    """A server on this machine, until the end of the block."""
    state = Web()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            path = self.path.removeprefix("http://emodb.bilderbar.info").split("?")[0]
            if path.startswith("/api/models/"):
                name = path.removeprefix("/api/models/").split("/revision/")[0]
                self._send(200, self._listing(name), {"Content-Type": "application/json"})
                return
            before, resolve, rest = path.partition("/resolve/")
            path = before + resolve + (rest.partition("/")[2] if resolve else "")
            data = state.files.get(path)
            if data is None:
                self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
                return
            digest = hashlib.sha256(data).hexdigest()
            told = {"ETag": f'"{digest}"', "X-Repo-Commit": SHA, "Accept-Ranges": "bytes"}
            wanted = self.headers.get("Range")
            start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
            if wanted:
                told["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self._send(206 if wanted else 200, data, told, start, path)

        def _listing(self, name: str) -> bytes:
            siblings = []
            for file in state.models.get(name, []):
                data = state.files[f"/{name}/resolve/{file}"]
                lfs = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 100}
                large = file.endswith((".ckpt", ".safetensors", ".bin"))
                siblings.append({"rfilename": file, "size": len(data), **({"lfs": lfs} if large else {})})
            return json.dumps({"id": name, "sha": SHA, "siblings": siblings}).encode()

        def _send(self, code: int, data: bytes, headers: dict[str, str], start: int = 0, path: str = "") -> None:
            self.send_response(code)
            for name, value in {"Content-Length": str(len(data) - start), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            for position in range(start, len(data), PIECE):
                if path:
                    state.before(path, position)
                piece = data[position : min(position + PIECE, len(data))]
                try:
                    self.wfile.write(piece)
                except OSError:
                    self.close_connection = True
                    return
                if path:
                    state.sent[path] = state.sent.get(path, 0) + len(piece)

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.port = listening.server_port
    try:
        yield state
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


@dataclass(frozen=True)
class Wanted:
    """Something to fetch: what to say, the path of the large file on the server, and where what comes is kept until it is whole."""

    arguments: tuple[str, ...]
    large: str
    kept: str
    place: str
    content: dict[str, bytes]
    """What lies in `place` once it is complete, without markers."""
    sent: dict[str, bytes] = field(default_factory=dict)
    model: str = ""

    unpacked_pages: int = 0
    """Pages that its content takes beside it, for a corpus."""

    @property
    def size(self) -> int:
        """Bytes of the large file."""
        return max(map(len, self.sent.values()))

    def serve(self, server: Web) -> None:
        """Have it on `server`."""
        if self.model:
            server.model(self.model, self.sent)
            server.model(BASE, {"config.json": BASE_CONFIG})
        else:
            server.files.update(self.sent)


BASE, BASE_CONFIG = "facebook/wav2vec2-base", b'{"model_type": "wav2vec2"}'
SPEECHBRAIN = "speechbrain/emotion-recognition-wav2vec2-IEMOCAP"
HUB = "openai/whisper-tiny"
MEGABYTES = 256 + 64
"""Of the disk, when there is room: what a download wants to leave free, and more."""


def encoder(name: str) -> Wanted:
    """An encoder of 3 MB in SpeechBrain's layout or the hub's. What its files hold does not matter until they are loaded."""
    weights = random.Random(name).randbytes(3_000_000)
    # The hub's own layout is told by it before the weights are fetched.
    small = {"config.json": b"{}" if name == SPEECHBRAIN else b'{"model_type": "whisper"}'}
    files = {"preprocessor_config.json": b"{}", "model.safetensors": weights}
    extra = {}
    if name == SPEECHBRAIN:
        text = f"wav2vec2_hub: {BASE}\noutput_norm: True\n".encode()
        files = {"hyperparams.yaml": text, "wav2vec2.ckpt": weights, "label_encoder.txt": b"'neu' => 0\n"}
        extra = {"wav2vec2_hub/config.json": BASE_CONFIG}
    large = next(file for file, data in files.items() if data is weights)
    folder = f"encoders/hub/{name.replace('/', '--')}"
    return Wanted(
        ("encoders", "get", name), f"/{name}/resolve/{large}", f"{folder}.partial/{large}.part", folder,
        {**small, **files, **extra}, {**small, **files}, name,
    )  # fmt: skip


def corpus(kind: str) -> Wanted:
    """EmoDB as an archive of 2 MB, were it 140 utterances: `zip`, which says how large its content is, or `tar.gz`, which does not
    and whose content is three times as large."""
    chance = random.Random(kind)
    names = [f"wav/{speaker:02}{text}{emotion}a.wav" for speaker in (3, 8, 9, 10) for text in ("a01", "a02", "b01", "b02", "b03")
             for emotion in "FWNTLAE"]  # fmt: skip
    size = 15_000
    files = {name: chance.randbytes(size) + (bytes(2 * size) if kind == "tar.gz" else b"") for name in names}
    packed = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tape:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tape.addfile(member, io.BytesIO(data))
    address, kept = "/download/download.zip", "downloads/emodb/emodb-download.zip"
    return Wanted(
        ("corpora", "get", "emodb", "--accept-licence"), address, f"{kept}*[tp]", "corpora/emodb",
        {f"emodb-download/{name}": data for name, data in files.items()}, {address: packed.getvalue()},
        unpacked_pages=sum(-(-len(data) // PAGE) for data in files.values()),
    )  # fmt: skip


KINDS: tuple[Callable[[], Wanted], ...] = (
    lambda: corpus("zip"), lambda: encoder(SPEECHBRAIN), lambda: corpus("tar.gz"), lambda: encoder(HUB),
)  # fmt: skip


def filled(scratch: Path, times: int, seed: int) -> Outcome:
    """The disk fills up while an encoder or a corpus comes, or while it is unpacked: some pages are left, and no more."""
    outcome = Outcome("disk full (tmpfs) while encoders and corpora are fetched and unpacked")
    chance = random.Random(seed)
    reason = cannot_mount(scratch)
    if reason:
        outcome.skipped = reason
        return outcome
    with small_disk(scratch, MEGABYTES) as disk:
        cache = disk / "cache"
        while outcome.injected < times:
            wanted = KINDS[outcome.injected % len(KINDS)]()
            # While it is sent, at any moment; or at its end, with as much left as unpacking it wants, or a part of that.
            moment, left = chance.randrange(PIECE, wanted.size), int(10 ** chance.uniform(0, 3))
            if wanted.unpacked_pages and chance.random() < 0.7:
                moment, left = wanted.size - 1, wanted.unpacked_pages - int(10 ** chance.uniform(0, 2.9))

            def full(path: str, position: int, wanted: Wanted = wanted, moment: int = moment, left: int = left) -> None:
                if path == wanted.large and position <= moment < position + PIECE:
                    time.sleep(0.05)  # until what was sent is written
                    shrink(disk, left)

            _faulty(outcome, scratch, cache, wanted, full, lambda: widen(disk, MEGABYTES), f"{left} pages after {moment} bytes")
    return outcome


def limited(scratch: Path, times: int, seed: int) -> Outcome:
    """No file may grow beyond a limit (RLIMIT_FSIZE, which fails like a quota), while an encoder or a corpus is fetched."""
    outcome = Outcome("no file may grow (RLIMIT_FSIZE) while encoders and corpora are fetched")
    chance = random.Random(seed)
    while outcome.injected < times:
        size = int(10 ** chance.uniform(0, 6))
        _faulty(
            outcome, scratch, scratch / "cache", KINDS[outcome.injected % len(KINDS)](), lambda path, position: None,
            lambda: None, f"no file beyond {size} bytes", no_larger(size),
        )  # fmt: skip
    return outcome


def _faulty(
    outcome: Outcome, scratch: Path, cache: Path, wanted: Wanted, fault: Callable[[str, int], None], mend: Callable[[], None],
    what: str, prefix: tuple[str, ...] = (),
) -> None:  # fmt: skip
    """Fetch with the fault and again without, and count. `lost`: something that was stored, or what had come already; `stuck`:
    asking again does not complete it; `wrong`: half of it is taken for complete, or what is said is not one clear line."""
    stored = cache / "corpora" / "stored" / ".ser-tui-ready"
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_bytes(b"{}")

    def remark(text: str) -> None:
        outcome.remarks.append(f"{' '.join(wanted.arguments[:3])}, {what}: {text}")

    with web() as server:
        wanted.serve(server)
        server.before = fault
        first = command(*wanted.arguments, runs=scratch / "runs", prefix=prefix, SER_TUI_CACHE=str(cache), **server.environment)
        there = (cache / wanted.place).exists()
        if first.returncode == 0:
            mend()
            if content(cache / wanted.place) != wanted.content:
                outcome.wrong += 1
                remark("done, and not whole")
            shutil.rmtree(cache)
            return
        outcome.injected += 1
        told = first.stderr
        clear = first.returncode == 1 and told.count("\n") == 1 and str(cache) in told and "SER_TUI_CACHE" in told
        if not (clear and re.search(r"no room left while|only [\d,]+ MB free in .* wants [\d,]+ MB, [\d,]+ more", told)):
            outcome.wrong += 1
            remark(f"ended with {first.returncode} and {told!r}")
        left = [path.name for path in (cache / "corpora").iterdir() if path.name.startswith(".")]
        if there or left:
            outcome.wrong += 1
            remark(f"half of it is in place: {there} {left}")
        kept = sum(path.stat().st_size for path in cache.glob(wanted.kept))
        mend()
        server.before = lambda path, position: None
        server.sent.clear()
        again = command(*wanted.arguments, runs=scratch / "runs", prefix=(), SER_TUI_CACHE=str(cache), **server.environment)
        if again.returncode or content(cache / wanted.place) != wanted.content:
            outcome.stuck += 1
            remark(f"again: {again.stderr!r}")
        elif (server.sent.get(wanted.large, 0) != wanted.size - kept and kept) or stored.read_bytes() != b"{}":
            outcome.lost += 1
            remark(f"{kept:,} bytes of {wanted.size:,} were kept, and {server.sent.get(wanted.large, 0):,} were sent again")
    shutil.rmtree(cache)


def content(folder: Path) -> dict[str, bytes]:
    """Every file but the markers, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
