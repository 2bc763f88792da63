from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from valkey_server import Valkey

from bot.platforms.claims import Claim, LocalClaims
from bot.platforms.slots import LostSlotError
from bot.service import sharing
from bot.service.sharing import RedisClaims, RedisSlots


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    with Valkey(tmp_path) as running:
        yield running


@pytest.fixture
async def redis(server: Valkey) -> AsyncIterator[Redis]:
    client = Redis.from_url(server.url, socket_timeout=0.3, socket_connect_timeout=0.3)
    yield client
    await client.aclose()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    """Let leases lapse in fractions of a second."""
    for name, seconds in {
        "CLAIM_LAPSES": 1.5, "CLAIM_RENEWED": 0.1, "SLOT_LAPSES": 1.5, "SLOT_RENEWED": 0.1, "SLOT_LOOK": 0.05,
    }.items():  # fmt: skip
        monkeypatch.setattr(sharing, name, seconds)


def claims(redis: Redis, holder: str) -> RedisClaims:
    return RedisClaims(redis, "bot", holder, alone=LocalClaims(asyncio.get_running_loop().time))


def slots(redis: Redis, holder: str) -> RedisSlots:
    return RedisSlots(redis, "bot", holder)


async def test_one_process_answers_an_update(redis: Redis):
    """Of two that are handed the same update one gets it; afterwards both know that it is answered."""
    one, other = claims(redis, "one"), claims(redis, "other")
    assert await one.take(7) is Claim.OURS
    assert await other.take(7) is Claim.HELD
    await one.done(7)
    assert await other.take(7) is Claim.DONE
    assert await one.take(7) is Claim.DONE


async def test_a_claim_is_held_as_long_as_its_holder_lives(redis: Redis):
    """An answer that takes longer than a claim lasts is still nobody else's."""
    one, other = claims(redis, "one"), claims(redis, "other")
    assert await one.take(7) is Claim.OURS
    await asyncio.sleep(2)
    assert await other.take(7) is Claim.HELD
    await one.release(7)
    assert await other.take(7) is Claim.OURS


async def test_a_claim_lapses_when_its_holder_dies(redis: Redis):
    """What a process did not finish before it died is answered by another one."""
    one, other = claims(redis, "one"), claims(redis, "other")
    assert await one.take(7) is Claim.OURS
    assert one._renewing
    one._renewing.cancel()
    await asyncio.sleep(2)
    assert await other.take(7) is Claim.OURS


async def test_without_redis_each_process_answers_what_it_is_handed(redis: Redis, server: Valkey):
    """A store that is gone stops no answer, and nothing is answered twice by the same process."""
    one = claims(redis, "one")
    server.kill()
    assert await one.take(8) is Claim.OURS
    assert one.degraded
    await one.done(8)
    assert await one.take(8) is Claim.DONE
    server.start()
    assert await one.take(9) is Claim.OURS
    assert not one.degraded


async def test_a_server_that_hangs_delays_a_claim_by_its_time_out_only(redis: Redis, server: Valkey):
    """With a server that takes the connection and says nothing, the update is answered all the same."""
    one = claims(redis, "one")
    server.hang()
    async with asyncio.timeout(20):
        assert await one.take(8) is Claim.OURS
    server.go_on()


async def test_each_process_gets_a_slot_and_a_spare_waits(redis: Redis):
    """Two slots go to two processes; a third gets the slot of the one that ends."""
    first, second, spare = (slots(redis, name) for name in ("a", "b", "c"))
    assert {await first.take(2), await second.take(2)} == {0, 1}
    waiting = asyncio.create_task(spare.take(2))
    holding = [asyncio.create_task(one.hold()) for one in (first, second)]
    await asyncio.sleep(2)
    assert not waiting.done()
    holding[1].cancel()
    await second.release()
    async with asyncio.timeout(20):
        assert await waiting == 1
    holding[0].cancel()


async def test_a_slot_is_free_when_its_holder_dies(redis: Redis):
    """Nobody has to give up what a dead process held: its lease runs out."""
    dead, spare = slots(redis, "dead"), slots(redis, "spare")
    assert await dead.take(1) == 0
    async with asyncio.timeout(20):
        assert await spare.take(1) == 0
    with pytest.raises(LostSlotError, match="another process holds slot 0"):
        await dead.hold()


async def test_holders_keep_their_slots_while_redis_is_gone(redis: Redis, server: Valkey):
    """A server that is away and comes back empty takes nobody's slot."""
    one = slots(redis, "one")
    assert await one.take(1) == 0
    holding = asyncio.create_task(one.hold())
    server.kill()
    await asyncio.sleep(2)
    assert not holding.done()
    assert one.degraded
    server.start()
    await asyncio.sleep(1)
    assert not holding.done()
    assert await redis.get("privacy-bot:bot:slot:0") == b"one"
    holding.cancel()


async def test_processes_go_by_the_same_number_of_connections(redis: Redis):
    """The first number named holds for all, whatever Discord recommends a moment later."""
    assert await slots(redis, "a").agreed(4) == 4
    assert await slots(redis, "b").agreed(5) == 4


async def test_sessions_start_in_turns(redis: Redis):
    """Of several processes one starts a session in a lane at a time; other lanes are free."""
    one, other = slots(redis, "a"), slots(redis, "b")
    await one.turn(0, 60)
    await one.turn(1, 60)
    waiting = asyncio.create_task(other.turn(0, 60))
    await asyncio.sleep(0.5)
    assert not waiting.done()
    await redis.delete("privacy-bot:bot:identify:0")
    async with asyncio.timeout(20):
        await waiting
