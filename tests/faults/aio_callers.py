"""The callers on an event loop: tasks that share connections, and now and then think better of a call."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import fastthrift
from fastthrift import aio

from tests.faults import tokens
from tests.faults.callers import ATTEMPTS, Judge, Opening, Question, Tally

AsyncAsk = Callable[[Question], "asyncio.Future[Any]"]
AsyncClients = Callable[[Opening, AsyncExitStack], Awaitable[Sequence[AsyncAsk]]]
"""Opens clients, and returns how each caller asks."""
CANCELLED = 0.03
"""How many of the calls are cancelled, most of them while they wait."""


def run_tasks(
    clients: AsyncClients, opening: Opening, *, callers: int, calls: int, seed: int, may_be_damaged: bool
) -> Tally:
    """Let tasks call until so many calls were made, and return what they saw."""
    judges = [Judge(f"{seed}/{place}", opening.deadline, may_be_damaged=may_be_damaged) for place in range(callers)]
    tickets = itertools.repeat(None, calls)

    async def work(place: int, ask: AsyncAsk) -> None:
        judge, chance = judges[place], random.Random(f"{seed}/{place}/cancel")
        for _ in tickets:
            await _call(judge, chance, ask)

    async def run() -> list[str]:
        async with AsyncExitStack() as stack:
            asks = await clients(opening, stack)
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


async def _open(opening: Opening, stack: AsyncExitStack, count: int, **options: Any) -> list[AsyncAsk]:
    def asking(client: Any) -> AsyncAsk:
        return lambda question: asyncio.ensure_future(getattr(client, question.function)(question.token))

    return [asking(await _opened(opening, stack, {**opening.options, **options})) for _ in range(count)]


async def _opened(opening: Opening, stack: AsyncExitStack, options: Mapping[str, Any]) -> Any:
    for left in reversed(range(ATTEMPTS)):
        connecting = aio.connect(tokens.module().Oracle, opening.url, timeout=opening.deadline, **options)
        try:
            return await stack.enter_async_context(connecting)
        except fastthrift.TTransportException:
            if not left:
                raise
    raise AssertionError


async def one_connection(opening: Opening, stack: AsyncExitStack) -> list[AsyncAsk]:
    """Let 64 callers share one connection."""
    return await _open(opening, stack, 1)


async def few_connections(opening: Opening, stack: AsyncExitStack) -> list[AsyncAsk]:
    """Let 64 callers share eight connections."""
    return await _open(opening, stack, 8)


async def own_connections(opening: Opening, stack: AsyncExitStack) -> list[AsyncAsk]:
    """Give each of 64 callers a connection of its own."""
    return await _open(opening, stack, 64)


async def pooled_connections(opening: Opening, stack: AsyncExitStack) -> list[AsyncAsk]:
    """Let 64 callers share a pool of connections, that asks again where it may."""
    pool = fastthrift.Pool(8, idle_timeout=0.5, max_age=1.0)
    return await _open(opening, stack, 1, pool=pool, retry=fastthrift.Retry(attempts=3))


async def hedging_connections(opening: Opening, stack: AsyncExitStack) -> list[AsyncAsk]:
    """Let 64 callers share a pool of connections, that asks twice where an answer is late."""
    return await _open(opening, stack, 1, pool=fastthrift.Pool(8), hedge=0.02)
