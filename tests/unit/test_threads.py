"""Blocking calls in threads that nobody has to wait for."""

import asyncio
import threading
import time

import pytest

from freqtrade_liquidation.threads import bounded, in_thread


def test_in_thread_returns_what_the_function_returns_and_blocks_nobody() -> None:
    async def main() -> None:
        gate = threading.Event()

        def blocking() -> str:
            assert gate.wait(10)
            return threading.current_thread().name

        asking = asyncio.ensure_future(in_thread(blocking, name="request"))
        await asyncio.sleep(0)  # the loop runs while the call blocks
        assert not asking.done()
        gate.set()
        assert await asking == "liquidation-request"

    asyncio.run(main())


def test_in_thread_raises_what_the_function_raises() -> None:
    error = ValueError("no")

    def broken() -> None:
        raise error

    async def main() -> None:
        with pytest.raises(ValueError, match="no") as caught:
            await in_thread(broken, name="request")
        assert caught.value is error

    asyncio.run(main())


@pytest.mark.filterwarnings("error")
def test_answer_after_the_loop_closed_is_dropped_in_silence(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    gate, workers = threading.Event(), []

    def late() -> None:
        workers.append(threading.current_thread())
        assert gate.wait(10)

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await in_thread(late, name="late")

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 5, "the end of the loop did not wait for the call"
    gate.set()
    [worker] = workers
    worker.join(10)
    assert not worker.is_alive()
    assert worker.daemon
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_answer_that_nobody_awaits_any_more_is_dropped_in_silence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        gate, workers = threading.Event(), []

        def late() -> None:
            workers.append(threading.current_thread())
            assert gate.wait(10)
            raise ValueError("too late")

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await in_thread(late, name="late")
        gate.set()
        await asyncio.get_running_loop().run_in_executor(None, workers[0].join)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert caplog.records == []


def test_bounded_returns_and_raises_as_the_function_does() -> None:
    assert bounded(lambda: 7, timeout_s=10, name="seven") == 7
    assert bounded(lambda: None, timeout_s=10, name="nothing") is None
    with pytest.raises(ZeroDivisionError):
        bounded(lambda: 1 / 0, timeout_s=10, name="broken")


def test_without_a_thread_both_go_on_in_the_thread_that_they_are_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    here = threading.current_thread().name
    assert bounded(lambda: threading.current_thread().name, timeout_s=10, name="here") == here

    async def main() -> str:
        return await in_thread(lambda: threading.current_thread().name, name="here")

    assert asyncio.run(main()) == here
    with pytest.raises(ZeroDivisionError):
        bounded(lambda: 1 / 0, timeout_s=10, name="broken")


def test_bounded_gives_up_and_says_who() -> None:
    gate = threading.Event()
    try:
        with pytest.raises(TimeoutError, match=r"^trades took longer than 0\.02 s$"):
            bounded(lambda: gate.wait(10), timeout_s=0.02, name="trades")
    finally:
        gate.set()
