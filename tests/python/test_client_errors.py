"""What a failed call says: whose fault it was, and whether anything of it was sent."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import fastthrift
import pytest
from fastthrift import ConnectError, ConnectionLost, PeerError, TransportTimeout, TTransportException

from tests.interop.fake_server import CALL, Conversation, Peer, fake_server, frame, message

ours = fastthrift.load(Path(__file__).parents[1] / "interop" / "calculator.thrift")


def connect(url: str, timeout: float | None = 5.0, **options: Any) -> Any:
    return fastthrift.connect(ours.Calculator, url, timeout=timeout, **options)


def failure(conversation: Conversation, timeout: float | None = 5.0) -> TTransportException:
    """Make a call that fails and return how."""
    with fake_server(conversation) as url, connect(url, timeout) as client:
        with pytest.raises(TTransportException) as caught:
            client.add(1, 2)
        return caught.value


def closes(peer: Peer) -> None:
    peer.request()


def resets(peer: Peer) -> None:
    peer.request()
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def cuts_off(peer: Peer) -> None:
    peer.sock.sendall(frame(message(*peer.request(), 1))[:-3])


def calls_back(peer: Peer) -> None:
    peer.reply(*peer.request(), 1, kind=CALL)


def is_silent(peer: Peer) -> None:
    peer.request()
    peer.request()


@pytest.mark.parametrize(
    ("conversation", "kind", "number"),
    [
        (closes, ConnectionLost, TTransportException.END_OF_FILE),
        (cuts_off, ConnectionLost, TTransportException.END_OF_FILE),
        (resets, ConnectionLost, TTransportException.UNKNOWN),
        (calls_back, PeerError, TTransportException.UNKNOWN),
    ],
)
def test_a_failure_after_the_request_left_says_so(conversation: Conversation, kind: type, number: int) -> None:
    error = failure(conversation)
    assert (type(error), error.type, error.was_sent) == (kind, number, True)


def test_a_deadline_that_passes_after_the_request_left_says_so() -> None:
    error = failure(is_silent, timeout=0.1)
    assert (type(error), error.type, error.was_sent) == (TransportTimeout, TTransportException.TIMED_OUT, True)


def test_a_refused_connection_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectError) as caught:
        connect(f"tcp://127.0.0.1:{port}")
    assert (caught.value.type, caught.value.was_sent) == (TTransportException.NOT_OPEN, False)


def test_waiting_for_another_threads_call_sends_nothing() -> None:
    errors: list[TransportTimeout] = []
    together = threading.Barrier(2)

    def call(client: Any) -> None:
        together.wait()
        with pytest.raises(TransportTimeout) as caught:
            client.add(1, 2)
        errors.append(caught.value)

    with fake_server(is_silent) as url, connect(url, 0.3) as client:
        threads = [threading.Thread(target=call, args=(client,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(error.was_sent for error in errors) == [False, True]


def test_a_closed_client_sent_nothing() -> None:
    with fake_server(Peer.serve) as url:
        client = connect(url)
        client.close()
        with pytest.raises(TTransportException, match="closed") as caught:
            client.add(1, 2)
    assert (type(caught.value), caught.value.type) == (TTransportException, TTransportException.NOT_OPEN)
    assert not caught.value.was_sent
