from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from valkey_server import Valkey

from bot.platforms.claims import Claim, LocalClaims
from bot.platforms.slots import Division, LostSlotError
from bot.service import sharing
from bot.service.sharing import RedisClaims, RedisPace, RedisSlots, SharedServer, reconnecting


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    with Valkey(tmp_path) as running:
        yield running


@pytest.fixture
async def redis(server: Valkey) -> AsyncIterator[Redis]:
    client = Redis.from_url(server.url, socket_timeout=0.3, socket_connect_timeout=0.3, retry=reconnecting())
    yield client
    await client.aclose()


@pytest.fixture
async def shared(redis: Redis) -> AsyncIterator[SharedServer]:
    shared = SharedServer(redis)
    watching = asyncio.create_task(shared.watch())
    yield shared
    watching.cancel()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    """Let leases lapse in fractions of a second."""
    for name, seconds in {
        "CLAIM_LAPSES": 1.5, "CLAIM_RENEWED": 0.1, "SLOT_LAPSES": 1.5, "SLOT_RENEWED": 0.1, "SLOT_LOOK": 0.05,
        "SLOT_GRACE": 1.0, "WATCH_EVERY": 0.1,
    }.items():  # fmt: skip
        monkeypatch.setattr(sharing, name, seconds)


def claims(shared: SharedServer, holder: str) -> RedisClaims:
    return RedisClaims(shared, "bot", holder, alone=LocalClaims(asyncio.get_running_loop().time))


def slots(shared: SharedServer, holder: str) -> RedisSlots:
    return RedisSlots(shared, "bot", holder)


ONE, TWO = Division(4, 1), Division(4, 2)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - conditions are about the server
            await asyncio.sleep(0.02)


async def test_one_process_answers_an_update(shared: SharedServer):
    """Of two that are handed the same update one gets it; afterwards both know that it is answered."""
    one, other = claims(shared, "one"), claims(shared, "other")
    assert await one.take(7) is Claim.OURS
    assert await other.take(7) is Claim.HELD
    await one.done(7)
    assert await other.take(7) is Claim.DONE
    assert await one.take(7) is Claim.DONE


async def test_a_claim_is_held_as_long_as_its_holder_lives(shared: SharedServer):
    """An answer that takes longer than a claim lasts is still nobody else's."""
    one, other = claims(shared, "one"), claims(shared, "other")
    assert await one.take(7) is Claim.OURS
    await asyncio.sleep(2)
    assert await other.take(7) is Claim.HELD
    await one.release(7)
    assert await other.take(7) is Claim.OURS


async def test_a_claim_lapses_when_its_holder_dies(shared: SharedServer):
    """What a process did not finish before it died is answered by another one."""
    one, other = claims(shared, "one"), claims(shared, "other")
    assert await one.take(7) is Claim.OURS
    assert one._renewing
    one._renewing.cancel()
    await asyncio.sleep(2)
    assert await other.take(7) is Claim.OURS


async def test_without_redis_each_process_answers_what_it_is_handed(shared: SharedServer, server: Valkey):
    """A store that is gone stops no answer, and nothing is answered twice by the same process, also once it is back."""
    one = claims(shared, "one")
    server.kill()
    assert await one.take(8) is Claim.OURS
    assert shared.is_gone
    assert await one.take(8) is Claim.HELD
    await one.done(8)
    assert await one.take(8) is Claim.DONE
    server.start()
    await until(lambda: not shared.is_gone)
    assert await one.take(8) is Claim.DONE
    assert await one.take(9) is Claim.OURS


async def test_a_claim_is_taken_again_from_a_server_that_has_forgotten_it(shared: SharedServer, server: Valkey):
    """What is being answered while the server starts anew is nobody else's afterwards."""
    one, other = claims(shared, "one"), claims(shared, "other")
    assert await one.take(7) is Claim.OURS
    server.kill()
    await until(lambda: shared.is_gone)
    server.start()
    await until(lambda: not shared.is_gone)
    async with asyncio.timeout(20):
        while not await shared.redis.exists("privacy-bot:bot:update:7"):  # noqa: ASYNC110 - it is written elsewhere
            await asyncio.sleep(0.02)
    assert await other.take(7) is Claim.HELD


async def test_a_server_that_hangs_delays_one_claim_by_its_time_out(shared: SharedServer, server: Valkey):
    """With a server that takes the connection and says nothing, updates are answered all the same."""
    one = claims(shared, "one")
    server.hang()
    async with asyncio.timeout(20):
        assert await one.take(8) is Claim.OURS
        assert shared.is_gone
        began = asyncio.get_running_loop().time()
        for id in range(10, 1_000):
            assert await one.take(id) is Claim.OURS
            await one.done(id)
        assert asyncio.get_running_loop().time() - began < 10
    server.go_on()


async def test_a_restart_unseen_harms_no_claim(shared: SharedServer, server: Valkey):
    """Connections that lay idle while the server started anew are made anew, and claims stay one for each update."""
    one, other = claims(shared, "one"), claims(shared, "other")
    await asyncio.gather(*(one.take(id) for id in range(5)))
    server.kill()
    server.start()
    found = await asyncio.gather(*(taker.take(id) for id in range(10, 15) for taker in (one, other)))
    assert found.count(Claim.OURS) == found.count(Claim.HELD) == 5


async def test_each_process_gets_a_slot_and_a_spare_waits(shared: SharedServer):
    """Two slots go to two processes; a third gets the slot of the one that ends."""
    first, second, spare = (slots(shared, name) for name in ("a", "b", "c"))
    leases = [await first.take(TWO), await second.take(TWO)]
    assert [list(lease.connections) for lease in leases] == [[0, 2], [1, 3]]
    waiting = asyncio.create_task(spare.take(TWO))
    holding = [asyncio.create_task(one.hold()) for one in (first, second)]
    await asyncio.sleep(2)
    assert not waiting.done()
    holding[1].cancel()
    await second.release()
    async with asyncio.timeout(20):
        assert (await waiting).slot == 1
    holding[0].cancel()


async def test_a_slot_is_free_when_its_holder_dies(shared: SharedServer):
    """Nobody has to give up what a dead process held: its lease runs out."""
    dead, spare = slots(shared, "dead"), slots(shared, "spare")
    await dead.take(ONE)
    async with asyncio.timeout(20):
        await spare.take(ONE)
    with pytest.raises(LostSlotError, match="another process holds slot 0"):
        await dead.hold()


async def test_what_a_dead_process_held_lapses_also_where_the_clock_was_put_back(shared: SharedServer):
    """To a server whose clock was put back by an hour, every lease lasts for an hour more; what is done stays done."""
    one, other = slots(shared, "a"), slots(shared, "b")
    await one.take(ONE)
    await one.turn(0, 1.0)
    dead, living = claims(shared, "a"), claims(shared, "b")
    assert await dead.take(7) is Claim.OURS
    dead._held.clear()
    await dead.done(8)
    hour = 3_600_000
    for key in await shared.redis.keys("privacy-bot:bot:*"):
        await shared.redis.pexpire(key, await shared.redis.pttl(key) + hour)
    assert await living.take(7) is Claim.HELD
    async with asyncio.timeout(10):
        await other.turn(0, 1.0)
        assert (await other.take(ONE)).slot == 0
    await asyncio.sleep(1.6)
    assert await living.take(7) is Claim.OURS
    assert await living.take(8) is Claim.DONE
    assert await shared.redis.pttl("privacy-bot:bot:update:8") > hour


async def test_a_server_whose_clock_was_put_back_keeps_nobody_waiting(
    shared: SharedServer, monkeypatch: pytest.MonkeyPatch
):
    """It says that it has been there for less than no time, but was seen for as long as holders need."""

    async def told(_section: str) -> dict[str, object]:
        return {"run_id": "the same", "uptime_in_seconds": -3_600}

    monkeypatch.setattr(shared.redis, "info", told)
    taking = asyncio.create_task(slots(shared, "a").take(ONE))
    await asyncio.sleep(sharing.SLOT_GRACE / 2)
    assert not taking.done()
    async with asyncio.timeout(10):
        await taking


async def test_a_slot_that_was_about_to_be_leased_is_given_back(shared: SharedServer):
    """Who is stopped on the way to a lease leaves none behind."""
    one, next_one = slots(shared, "one"), slots(shared, "next")
    await until(lambda: not shared.is_gone)
    for _ in range(20):
        taking = asyncio.create_task(one.take(ONE))
        await until(lambda: one._lease is not None)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        await one.release()
        assert not await shared.redis.exists("privacy-bot:bot:slot:0", "privacy-bot:bot:division")
    async with asyncio.timeout(1):
        await next_one.take(ONE)


@pytest.mark.parametrize("hangs", [False, True])
async def test_holders_keep_their_slots_while_redis_is_gone(shared: SharedServer, server: Valkey, *, hangs: bool):
    """A server that was away for longer than a lease takes nobody's slot, though a spare waits for one."""
    one, spare = slots(shared, "one"), slots(shared, "spare")
    await one.take(ONE)
    holding = asyncio.create_task(one.hold())
    waiting = asyncio.create_task(spare.take(ONE))
    await asyncio.sleep(0.3)
    server.hang() if hangs else server.kill()
    await until(lambda: shared.is_gone)
    await asyncio.sleep(2)
    server.go_on() if hangs else server.start()
    await until(lambda: not shared.is_gone)
    await asyncio.sleep(2)
    assert not holding.done()
    assert not waiting.done()
    assert await shared.redis.get("privacy-bot:bot:slot:0") == b"one"
    assert await shared.redis.get("privacy-bot:bot:division") == b"4/1"
    holding.cancel()
    waiting.cancel()


async def test_a_server_that_was_started_anew_unseen_takes_nobodys_slot(shared: SharedServer, server: Valkey):
    """A process that comes just after a restart leaves holders the time to take their slots again."""
    one, newcomer = slots(shared, "one"), slots(shared, "newcomer")
    await one.take(ONE)
    server.kill()
    server.start()
    waiting = asyncio.create_task(newcomer.take(ONE))
    await asyncio.sleep(0.5)
    holding = asyncio.create_task(one.hold())
    await asyncio.sleep(2)
    assert not holding.done()
    assert not waiting.done()
    holding.cancel()
    waiting.cancel()


async def test_all_go_by_the_division_of_whoever_came_first(shared: SharedServer):
    """One that wants another division does as the others do; once all have left it gets what it wants."""
    one, other = slots(shared, "a"), slots(shared, "b")
    assert (await one.take(TWO)).division == TWO
    lease = await other.take(Division(5, 5))
    assert (lease.slot, lease.division) == (1, TWO)
    await one.release()
    assert (await one.take(Division(5, 5))).division == TWO
    await one.release()
    await other.release()
    assert (await one.take(Division(5, 5))).division == Division(5, 5)


async def test_sessions_start_in_turns(shared: SharedServer):
    """Of several processes one starts a session in a lane at a time; other lanes are free."""
    one, other = slots(shared, "a"), slots(shared, "b")
    await one.turn(0, 60)
    await one.turn(1, 60)
    waiting = asyncio.create_task(other.turn(0, 60))
    await asyncio.sleep(0.5)
    assert not waiting.done()
    await shared.redis.delete("privacy-bot:bot:identify:0")
    async with asyncio.timeout(20):
        await waiting


# --- The pace of a chat -------------------------------------------------------------------------------------------


def pace(shared: SharedServer) -> RedisPace:
    return RedisPace(shared, "bot", most=3, within=60.0, every=1.0, named=lambda chat: f"name-of-{-chat}")


async def test_processes_send_to_a_chat_one_after_the_other(shared: SharedServer):
    """Each place comes a second after the one before, whoever takes it, and the fourth a minute after the first."""
    one, other = pace(shared), pace(shared)
    taken = [await process.take(-5) for process in (one, other, one, other, one)]
    last = [places[-1] for places in taken if places]
    assert last == pytest.approx([0, 1, 2, 60, 61], abs=0.5)
    assert taken[-1] == pytest.approx((2, 60, 61), abs=0.5)
    assert await other.take(-6) == pytest.approx((0,), abs=0.5)


async def test_a_clock_that_is_put_back_holds_no_chat_up(shared: SharedServer, redis: Redis):
    """What was noted by a clock that went an hour before counts no more."""
    await pace(shared).take(-5)
    key = "privacy-bot:bot:pace:name-of-5"
    ahead = int(await redis.lindex(key, -1)) + 3_600_000
    await redis.rpush(key, ahead)
    assert await pace(shared).take(-5) == pytest.approx((0,), abs=0.5)
    assert await pace(shared).take(-5) == pytest.approx((0, 1), abs=0.5)


async def test_one_process_tells_a_chat(shared: SharedServer):
    """What has been told is told again only when its time is over."""
    one, other = pace(shared), pace(shared)
    assert [await one.is_first(-5, 0.2), await other.is_first(-5, 0.2), await other.is_first(-6, 0.2)] == [
        True,
        False,
        True,
    ]
    await asyncio.sleep(0.3)
    assert await other.is_first(-5, 0.2)


async def test_a_chat_leaves_no_trace_of_itself(shared: SharedServer, redis: Redis):
    """Only names that say nothing stand there, and they lapse."""
    await pace(shared).take(-5)
    await pace(shared).is_first(-5, 60)
    keys = [key.decode() for key in await redis.keys("privacy-bot:bot:*")]
    assert sorted(keys) == ["privacy-bot:bot:pace:name-of-5", "privacy-bot:bot:told:name-of-5"]
    assert all([0 < await redis.pttl(key) <= 60_000 for key in keys])


async def test_without_the_server_each_process_keeps_its_own_pace(server: Valkey, shared: SharedServer):
    """A server that is killed or hangs holds no message up."""
    for stop, go_on in ((server.hang, server.go_on), (server.kill, server.start)):
        stop()
        async with asyncio.timeout(1.0):
            assert await pace(shared).take(-5) is None
            assert await pace(shared).is_first(-5, 60)
        go_on()
        await until(lambda: not shared.is_gone)
