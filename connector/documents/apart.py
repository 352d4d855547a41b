"""Rendering in a process of its own: with a limit of time and memory, and out of reach of everything else.

Exists because a document of thousands of lines takes long, the PDF library renders one at a time per process, and a
fault in it must not take the service along. The child gets a value and gives bytes back; it knows no database, no
secret and no setting. Nothing that the child sends is trusted beyond being bytes or text.
"""

from __future__ import annotations

import os
import pickle
import resource
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO, BinaryIO

from connector.documents.pdf import DocumentFailed, render_pdf
from connector.domain.documents import DocumentView
from connector.errors import Retryable

# Enough for some ten thousand lines; a runaway document ends here and not in the machine's swap.
_MOST_MEMORY = 2 * 1024**3
_HEAD = struct.Struct(">cQ")
_DONE, _FAILED = b"+", b"-"
_MOST_BYTES = 200 * 1024 * 1024


class RenderTimedOut(DocumentFailed):
    """A document was not rendered within its time."""

    code = "DOCUMENT_TOO_SLOW"
    owner = "operator"
    fix = "It is rendered again by itself. A document of very many lines needs a higher limit, or fewer lines."


class RenderProcessLost(Retryable):
    """The process that renders documents ended without an answer."""

    code = "RENDER_PROCESS_LOST"


class PdfWorker:
    """One child process that renders documents one after the other; it starts when first needed.

    Not for several threads at once: give each its own. Use as a context manager, or call `close`.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PdfWorker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def process_id(self) -> int | None:
        """The child's process id, None while there is none."""
        return self._child.pid if self._child is not None else None

    def render(self, *, view: DocumentView, language: str, seconds: float) -> bytes:
        """The PDF of a document. A child that is too slow is ended, and the next call starts another.

        Raises RenderTimedOut, DocumentFailed with what the renderer said, or RenderProcessLost.
        """
        child, clock = self._started(), _Clock(seconds)
        with clock.running(child):
            try:
                _send(_stream(child.stdin), _DONE, pickle.dumps((view, language)))
                kind, body = _receive(_stream(child.stdout))
            except (EOFError, BrokenPipeError) as error:
                self.close()
                raise _lost(view, seconds, is_late=clock.is_over) from error
        if kind == _DONE:
            return body
        raise DocumentFailed(body.decode("utf-8", errors="replace")[:2000])

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

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self.close()
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-m", "connector.documents.apart"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PATH": "", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"},
                bufsize=0,
            )
        return self._child


def render_pdf_apart(*, view: DocumentView, language: str, seconds: float) -> bytes:
    """The PDF of one document from a process that lives as long as the call. Raises as PdfWorker.render does."""
    with PdfWorker() as worker:
        return worker.render(view=view, language=language, seconds=seconds)


class _Clock:
    """Ends a child that has not answered in time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.is_over = False

    @contextmanager
    def running(self, child: subprocess.Popen[bytes]) -> Iterator[None]:
        timer = threading.Timer(self._seconds, self._end, [child])
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        self.is_over = True
        child.kill()


def _lost(view: DocumentView, seconds: float, *, is_late: bool) -> RenderTimedOut | RenderProcessLost:
    size = f"{view.number or 'The draft'} with {len(view.lines)} lines"
    if is_late:
        return RenderTimedOut(f"{size} was not rendered within {seconds:g} seconds.")
    return RenderProcessLost(f"{size}: the process that renders documents ended without an answer.")


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """The child's life: render what arrives until the parent is gone."""
    while True:
        try:
            _, question = _receive(source)
        except EOFError:
            return
        # The question comes from our own parent through a pipe that nobody else holds.
        view, language = pickle.loads(question)  # noqa: S301
        try:
            kind, answer = _DONE, render_pdf(view=view, language=language)
        except DocumentFailed as error:
            kind, answer = _FAILED, str(error).encode()
        except (LookupError, TypeError, ValueError) as error:
            kind, answer = _FAILED, f"{type(error).__name__}: {error}".encode()
        except (MemoryError, RecursionError) as error:
            kind, answer = _FAILED, f"The document is too large: {type(error).__name__}.".encode()
        _send(target, kind, answer)


def _send(stream: IO[bytes], kind: bytes, body: bytes) -> None:
    rest = memoryview(_HEAD.pack(kind, len(body)) + body)
    while rest:
        rest = rest[stream.write(rest) :]
    stream.flush()


def _receive(stream: IO[bytes]) -> tuple[bytes, bytes]:
    kind, length = _HEAD.unpack(_read(stream, _HEAD.size))
    if length > _MOST_BYTES:
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


def main() -> None:
    """Run as the child: limits first, and nothing but answers on standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, target)


if __name__ == "__main__":
    main()
