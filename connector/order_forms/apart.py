"""Documents are read in a process of their own: limited in time and memory, without network, without our secrets.

Exists because a PDF from outside is the most dangerous thing that we open. The child gets a file and settings and
answers with JSON, which is read strictly: a child that was taken over can lie about its file and do nothing else.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import resource
import struct
import subprocess
import sys
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO

from pydantic import TypeAdapter, ValidationError

import connector
from connector.domain.form_readings import CheckedForm, PagePicture
from connector.errors import Retryable
from connector.order_forms import refusals
from connector.order_forms.layouts import Layout
from connector.order_forms.limits import FormLimits
from connector.order_forms.refusals import FormRefused, FormTooHard, FormTooLarge, NotAPdf

_HEAD = struct.Struct(">cQ")
_DONE, _REFUSED = b"+", b"-"
# Pictures of some pages and some thousand values; more is no honest answer.
_MOST_ANSWER = 150_000_000
# A child is used again for so many documents, then replaced, so that nothing of an old one stays for long.
_MOST_DOCUMENTS = 50
_PNG = b"\x89PNG\r\n\x1a\n"
# What was found, and each picture as (page, width, height, base64).
_Answer = tuple[CheckedForm, tuple[tuple[int, int, int, str], ...]]
_ANSWER: TypeAdapter[_Answer] = TypeAdapter(_Answer)
# An isolated interpreter finds nothing but the standard library and what is installed, so it is told where we are.
_SOURCES = str(Path(connector.__file__).parents[1])
_START = "import sys; sys.path.insert(0, sys.argv[1]); from connector.order_forms.apart import main; main()"
_REFUSALS: Mapping[str, type[FormRefused]] = {
    kind.__name__: kind for kind in vars(refusals).values() if isinstance(kind, type) and issubclass(kind, FormRefused)
}


class FormProcessLost(Retryable):
    """The process that reads documents ended without an answer."""

    code = "FORM_PROCESS_LOST"


@dataclass(frozen=True, slots=True)
class FormQuestion:
    """One document to look through: its bytes, the time, what to trust (certificates, PEM or DER), how to read it."""

    content: bytes
    now: datetime
    roots: tuple[bytes, ...] = ()
    layouts: tuple[Layout, ...] = ()
    attachments: tuple[str, ...] = ()
    limits: FormLimits = field(default_factory=FormLimits)


class FormReader:
    """One child process that looks through documents one after the other; it starts when first needed.

    Not for several threads at once. Use as a context manager, or call `close`.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._memory = self._documents = 0

    def __enter__(self) -> FormReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def process_id(self) -> int | None:
        """The child's process id, None while there is none."""
        return self._child.pid if self._child is not None else None

    def check(self, question: FormQuestion) -> CheckedForm:
        """The document looked through. Raises a FormRefused error, or FormProcessLost when the child ended."""
        limits = question.limits
        if len(question.content) > limits.largest_file:
            # Told before a child has to hold it.
            raise FormTooLarge(
                f"The file has {len(question.content):,} bytes; at most {limits.largest_file:,} are taken."
            )
        if b"%PDF-" not in question.content[:1024]:
            raise NotAPdf("The file does not begin as a PDF does.")
        kind, answer = self._asked(question)
        if kind == _REFUSED:
            name, _, message = answer.decode("utf-8", errors="replace").partition(":")
            raise _REFUSALS.get(name, FormTooHard)(message[:500])
        try:
            return _checked(answer)
        except (ValidationError, ValueError) as error:
            self.close()
            raise FormTooHard("Reading it gave no answer that makes sense.") from error

    def close(self) -> None:
        """End the child, whatever it does."""
        if self._child is None:
            return
        self._child.kill()
        self._child.wait()
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                stream.close()
        self._child = None

    def _asked(self, question: FormQuestion) -> tuple[bytes, bytes]:
        child, seconds = self._started(question.limits.memory), question.limits.seconds
        with _limited(child, seconds) as is_over:
            try:
                _send(_stream(child.stdin), _DONE, pickle.dumps(question))
                answer = _receive(_stream(child.stdout))
            except (EOFError, BrokenPipeError, ConnectionError) as error:
                code = child.wait()
                self.close()
                if is_over():
                    raise FormTooHard(f"It was not read within {seconds:g} seconds.") from error
                # A child that the file itself brings down would be brought down again.
                if code < 0:
                    raise FormTooHard("Reading it brought the reading process down.") from error
                raise FormProcessLost(f"The reading process ended with {code}.") from error
        self._documents += 1
        return answer

    def _started(self, memory: int) -> subprocess.Popen[bytes]:
        is_used_up = self._documents >= _MOST_DOCUMENTS or memory != self._memory
        if self._child is None or self._child.poll() is not None or is_used_up:
            self.close()
            self._memory, self._documents = memory, 0
            # Nothing of a document or a request is part of the command.
            self._child = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-c", _START, _SOURCES, str(memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PATH": "", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"},
                bufsize=0,
            )
        return self._child


def check_form_apart(question: FormQuestion) -> CheckedForm:
    """One document in a process that lives as long as the call. Raises as FormReader.check does."""
    with FormReader() as reader:
        return reader.check(question)


def look_through(question: FormQuestion) -> CheckedForm:
    """The work itself, without limits: the child calls it. Raises a FormRefused error."""
    from connector.order_forms.opening import open_form
    from connector.order_forms.reading import read_form
    from connector.order_forms.signatures import check_signatures

    opened = open_form(content=question.content, limits=question.limits)
    found = check_signatures(content=question.content, roots=question.roots, now=question.now, limits=question.limits)
    reading, pictures = read_form(
        opened=opened, layouts=question.layouts, attachments=question.attachments, limits=question.limits
    )
    return CheckedForm(opened.pages, found, reading, pictures)


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """The child's life: look through what arrives until the parent is gone."""
    while True:
        try:
            _, question = _receive(source)
        except EOFError:
            return
        # The question comes from our own parent through a pipe that nobody else holds.
        asked: FormQuestion = pickle.loads(question)  # noqa: S301
        del question
        _send(target, *_answer(asked))


def _answer(asked: FormQuestion) -> tuple[bytes, bytes]:
    try:
        found = look_through(asked)
        pictures = tuple((one.page, one.width, one.height, b64encode(one.png).decode()) for one in found.pictures)
        return _DONE, _ANSWER.dump_json((replace(found, pictures=()), pictures))
    except FormRefused as error:
        return _REFUSED, f"{type(error).__name__}:{error}".encode()
    except (MemoryError, RecursionError):
        return _REFUSED, b"FormTooHard:Reading it needs more memory than any order form."
    except Exception as error:  # noqa: BLE001 - whatever a file does to a library, the answer is that it cannot be read
        return _REFUSED, f"BrokenPdf:It cannot be read ({type(error).__name__}).".encode()


def _checked(answer: bytes) -> CheckedForm:
    """The answer as a value. Raises ValidationError and ValueError when it is none of ours."""
    found, pictures = _ANSWER.validate_json(answer)
    decoded = tuple(
        PagePicture(page, width, height, b64decode(png, validate=True)) for page, width, height, png in pictures
    )
    if not all(picture.png.startswith(_PNG) for picture in decoded):
        raise ValueError("a picture is none")
    return replace(found, pictures=decoded)


@contextmanager
def _limited(child: subprocess.Popen[bytes], seconds: float) -> Iterator[Callable[[], bool]]:
    """Ends a child that has not answered in time; tells whether it had to."""
    over = threading.Event()

    def end() -> None:
        over.set()
        child.kill()

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield over.is_set
    finally:
        timer.cancel()


def _send(stream: IO[bytes], kind: bytes, body: bytes) -> None:
    rest = memoryview(_HEAD.pack(kind, len(body)) + body)
    while rest:
        rest = rest[stream.write(rest) :]
    stream.flush()


def _receive(stream: IO[bytes]) -> tuple[bytes, bytes]:
    kind, length = _HEAD.unpack(_read(stream, _HEAD.size))
    if length > _MOST_ANSWER:
        raise EOFError("an answer of impossible length")
    return kind, _read(stream, length)


def _read(stream: IO[bytes], length: int) -> bytes:
    parts, left = [], length
    while left:
        part = stream.read(left)
        if not part:
            raise EOFError
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("the child was started without its pipes")
    return stream


# What a child may never do, whatever a file makes of it: speak to others, start programs, change files.
_FORBIDDEN = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
              "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove", "os.rename",
              "os.mkdir", "os.rmdir", "os.chmod", "shutil.rmtree")  # fmt: skip


def _guard(event: str, arguments: Sequence[object]) -> None:
    if event in _FORBIDDEN:
        raise PermissionError(f"{event} is not for this process")
    if event == "open" and len(arguments) > 2 and isinstance(arguments[2], int):
        is_write = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if is_write:
            raise PermissionError("this process writes no files")


# Of the system's own interface: a user and a network of its own, and no new rights by starting programs.
_NEW_USER, _NEW_NETWORK, _NO_NEW_RIGHTS = 0x10000000, 0x40000000, 38


def _leave_the_network() -> None:
    """Where the system allows it (Linux): a network in which there is nothing, for native code as well.

    A user of its own first, which needs no rights and takes away those that we have. Where neither is allowed, the
    guard within Python is all there is; docs/security.md says so.
    """
    if sys.platform != "linux":
        return
    system = ctypes.CDLL(None)
    system.prctl(_NO_NEW_RIGHTS, 1, 0, 0, 0)
    if system.unshare(_NEW_USER | _NEW_NETWORK) != 0:
        system.unshare(_NEW_NETWORK)


def main() -> None:
    """Run as the child: limits first, and nothing but answers on standard output."""
    memory = int(sys.argv[2])
    _leave_the_network()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.addaudithook(_guard)
    serve(sys.stdin.buffer, target)


if __name__ == "__main__":
    main()
