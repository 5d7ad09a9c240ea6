"""The callers on an event loop: tasks that share connections, and now and then think better of a call."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from tests.faults import tokens
from tests.faults.callers import Judge, Question, Tally

AsyncAsk = Callable[[Question], "asyncio.Future[Any]"]
AsyncClients = Callable[[str, float, AsyncExitStack], Awaitable[Sequence[AsyncAsk]]]
"""Opens the clients at a URL, with a deadline for each call, and returns how each caller asks."""
CANCELLED = 0.03
"""How many of the calls are cancelled, most of them while they wait."""


def run_tasks(
    clients: AsyncClients, url: str, *, callers: int, calls: int, deadline: float, seed: int, may_be_damaged: bool
) -> Tally:
    """Let tasks call until so many calls were made, and return what they saw."""
    judges = [Judge(f"{seed}/{place}", deadline, may_be_damaged=may_be_damaged) for place in range(callers)]
    tickets = itertools.repeat(None, calls)

    async def work(place: int, ask: AsyncAsk) -> None:
        judge, chance = judges[place], random.Random(f"{seed}/{place}/cancel")
        for _ in tickets:
            await _call(judge, chance, ask)

    async def run() -> list[str]:
        async with AsyncExitStack() as stack:
            asks = await clients(url, deadline, stack)
            tasks = [asyncio.create_task(work(place, asks[place % len(asks)])) for place in range(callers)]
            _, hanging = await asyncio.wait(tasks, timeout=60 + calls / 100)
            for task in hanging:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=not hanging)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        return [f"{len(hanging)} callers hang"] * bool(hanging) + [f"a task is left: {task!r}" for task in left]

    total = Tally()
    for failure in asyncio.run(run()):
        total.fail(failure)
    for judge in judges:
        total.add(judge.tally)
    return total


async def _call(judge: Judge, chance: random.Random, ask: AsyncAsk) -> None:
    question = judge.question()
    with judge.asking(question) as answered:
        reply = ask(question)
        if chance.random() < CANCELLED:
            await asyncio.sleep(chance.choice((0, 0.001, 0.01)))
            reply.cancel()
            await asyncio.gather(reply, return_exceptions=True)
            if reply.cancelled():
                judge.tally.errors["cancelled"] += 1
                return
        answered(await reply)


async def _open(url: str, deadline: float, stack: AsyncExitStack, count: int, **options: Any) -> list[AsyncAsk]:
    from fastthrift import aio

    def asking(client: Any) -> AsyncAsk:
        return lambda question: asyncio.ensure_future(getattr(client, question.function)(question.token))

    service = tokens.module().Oracle
    connecting = (aio.connect(service, url, timeout=deadline, **options) for _ in range(count))
    return [asking(await stack.enter_async_context(each)) for each in connecting]


async def one_connection(url: str, deadline: float, stack: AsyncExitStack) -> list[AsyncAsk]:
    """Let 64 callers share one connection."""
    return await _open(url, deadline, stack, 1)


async def few_connections(url: str, deadline: float, stack: AsyncExitStack) -> list[AsyncAsk]:
    """Let 64 callers share eight connections."""
    return await _open(url, deadline, stack, 8)


async def own_connections(url: str, deadline: float, stack: AsyncExitStack) -> list[AsyncAsk]:
    """Give each of 64 callers a connection of its own."""
    return await _open(url, deadline, stack, 64)
