"""Many images: order, bounds, sharing, stopping, and what the source may do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from attrs import evolve
from portus_scanners import (
    Image,
    ImageProgress,
    ImageReport,
    InvalidReferenceError,
    Reference,
    RegistryError,
    ScanEnd,
    Scanner,
    ScannerReport,
    ScannerUnavailableError,
    UnresolvedImage,
    dump_document,
    load_document,
)
from portus_scanners_testing import virtual_time

from .conftest import IMAGE, OneImageRegistry, Stub
from .test_life import Hanging, other_tasks
from .test_outcomes import FOUND, doing, raising

Make = Callable[..., Any]


def image(number: int, repository: str = "team/app", digest: int | None = None) -> Image:
    """Return an image of its own digest, unless one is given."""
    text = f"registry.example/{repository}:{number}"
    content = number if digest is None else digest
    return evolve(IMAGE, reference=Reference.parse(text), digest=f"sha256:{content:064x}")


def outcome_of(end: ScanEnd) -> str:
    """Return the outcome of the only scanner, or the step of an image without report."""
    return end.result.results[0].outcome.value if isinstance(end.result, ImageReport) else end.result.step


async def slow(scanner: Scanner[Any], _image: Image) -> ScannerReport:
    """Take ten seconds."""
    await asyncio.sleep(10)
    return ScannerReport()


def counting(log: list[str], action: Callable[..., Any] = slow) -> type[Scanner[Any]]:
    """Make a scanner that logs which references it was asked for."""

    async def act(scanner: Scanner[Any], image: Image) -> Any:
        log.append(image.reference.text.removeprefix("registry.example/"))
        return await action(scanner, image)

    return doing(act)


@virtual_time
async def test_each_reference_has_one_end_as_it_comes(make_engine: Make) -> None:
    """Texts, references and images; a malformed and a missing one are ends too, and stop nobody."""
    given = ["registry.example/a:1", "NO reference", "registry.example/missing:1", Reference.parse("b:1"), image(4)]
    async with make_engine(one=Stub) as engine, engine.scan_many(given, concurrency=2) as scans:
        ends = [end async for end in scans]
    ordered = sorted(ends, key=lambda end: end.position)
    assert ["ok", "reference", "manifest", "ok", "ok"] == [outcome_of(end) for end in ordered]
    assert given == [end.target for end in ordered]
    assert [InvalidReferenceError, RegistryError] == [type(end.error) for end in ordered if end.error]
    assert (5, set()) == (scans.taken, other_tasks())


@pytest.mark.parametrize("number", [0, 1, 3, 7])
@virtual_time
async def test_ends_that_are_ready_can_be_taken_together(make_engine: Make, number: int) -> None:
    """With the iteration they are all ends, each once; and that ends, also when nothing was left for it."""
    images, together = [image(n) for n in range(number)], []
    async with make_engine(one=Stub) as engine, engine.scan_many(images, concurrency=3) as scans:
        async for end in scans:
            await asyncio.sleep(100)
            together.append([end, *scans.take_ready()])
        assert [] == scans.take_ready()
    assert min(number, 4) == max(map(len, together), default=0)  # one from the iteration, and as many as have room
    assert list(range(number)) == sorted(end.position for ends in together for end in ends)


@virtual_time
async def test_no_more_than_concurrency_at_once(make_engine: Make) -> None:
    """Three at a time: seven images of ten seconds need thirty; the scanner's own limit holds besides."""
    for setting, seconds in ((7, 30.0), (1, 70.0)):
        async with make_engine({"one": {"concurrency": setting}}, one=doing(slow)) as engine:
            begin = asyncio.get_running_loop().time()
            async with engine.scan_many([image(n) for n in range(7)], concurrency=3) as scans:
                assert 7 == len([end async for end in scans])
            assert seconds == pytest.approx(asyncio.get_running_loop().time() - begin)


@pytest.mark.parametrize("concurrency", [0, -1])
@virtual_time
async def test_concurrency_is_one_at_least(make_engine: Make, concurrency: int) -> None:
    """Nothing would ever be scanned."""
    async with make_engine() as engine:
        with pytest.raises(ValueError, match="at least"):
            engine.scan_many([], concurrency=concurrency)


@virtual_time
async def test_references_are_taken_when_there_is_room(make_engine: Make) -> None:
    """Without a consumer no more are taken than fit: those under way, and as many ends again."""

    async def endless() -> AsyncIterator[Image]:
        number = 0
        while True:
            yield image(number)
            number += 1

    async with make_engine(one=Stub) as engine, engine.scan_many(endless(), concurrency=3) as scans:
        await asyncio.sleep(100)
        first = scans.taken
        await anext(scans)
        await asyncio.sleep(100)
        assert (6, 7) == (first, scans.taken)


@virtual_time
async def test_a_slow_source_does_not_hold_up_scans(make_engine: Make) -> None:
    """While the source is waited for, what was begun goes on and its end is given."""

    async def source() -> AsyncIterator[Image]:
        yield image(1)
        await asyncio.sleep(500)
        yield image(2)

    async with make_engine(one=doing(slow)) as engine, engine.scan_many(source()) as scans:
        times = [(end.position, asyncio.get_running_loop().time()) async for end in scans]
    assert [(0, 10.0), (1, 510.0)] == [(position, round(at)) for position, at in times]


async def test_an_iterable_that_blocks_does_not_block_scans(make_engine: Make) -> None:
    """It is read in a thread, always the same; the first image ends while the second is waited for."""
    release, threads = threading.Event(), set()

    def source() -> Iterator[Image]:
        threads.add(threading.current_thread())
        yield image(1)
        threads.add(threading.current_thread())
        release.wait()
        yield image(2)

    async with make_engine(one=Stub) as engine, engine.scan_many(source()) as scans:
        first = await anext(scans)
        release.set()
        rest = [end.position async for end in scans]
    assert (0, [1], 1) == (first.position, rest, len(threads))
    assert threading.current_thread() not in threads


@pytest.mark.parametrize("kind", ["async", "thread"])
async def test_what_the_source_raises_comes_last(make_engine: Make, kind: str) -> None:
    """The ends of what was taken come first, then the error, once."""

    def broken() -> Iterator[Image]:
        yield image(1)
        yield image(2)
        msg = "the list is damaged"
        raise OSError(msg)

    async def broken_async() -> AsyncIterator[Image]:
        for one in broken():
            yield one

    source = broken_async() if kind == "async" else broken()
    async with make_engine(one=Stub) as engine, engine.scan_many(source, concurrency=1) as scans:
        seen = [(await anext(scans)).position, (await anext(scans)).position]
        with pytest.raises(OSError, match="damaged"):
            await anext(scans)
        assert [] == [end async for end in scans]
    assert [0, 1] == seen


@virtual_time
async def test_what_is_nothing_to_scan_is_the_callers_error(make_engine: Make) -> None:
    """A TypeError at the end, after the others were scanned."""
    async with make_engine(one=Stub) as engine, engine.scan_many([None, image(1)], concurrency=2) as scans:
        assert 1 == (await anext(scans)).position
        with pytest.raises(TypeError, match="NoneType"):
            await anext(scans)


@virtual_time
@pytest.mark.parametrize("all_platforms", [False, True])
async def test_a_surprise_at_one_image_is_the_end_of_that_image(
    make_engine: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, all_platforms: bool
) -> None:
    """A fault of ours loses no other image: it is an end that says so, its traceback is in the log."""

    async def resolve(_self: object, reference: Reference, _platform: object = None) -> Any:
        if reference.tag == "1":
            return {}["x"]
        return (IMAGE,) if all_platforms else IMAGE

    monkeypatch.setattr(OneImageRegistry, "resolve_all" if all_platforms else "resolve", resolve, raising=False)
    names = [f"registry.example/app:{number}" for number in range(5)]
    async with (
        make_engine(one=Stub) as engine,
        engine.scan_many(names, concurrency=1, all_platforms=all_platforms) as scans,
    ):
        ends = {end.position: end async for end in scans}
    assert ["ok", "resolve", "ok", "ok", "ok"] == [outcome_of(ends[number]) for number in range(5)]
    assert "a fault of this program (KeyError: 'x')" in str(ends[1].error)
    assert "Traceback" in caplog.text


@virtual_time
async def test_the_same_digest_in_flight_is_scanned_once(make_engine: Make) -> None:
    """Three references of one digest: one scan, three reports, each with its own image; later it is scanned again."""
    log: list[str] = []
    same = [image(1, digest=9), image(2, digest=9), image(3, "other/app", digest=9)]
    async with make_engine(one=counting(log)) as engine, engine.scan_many([*same, image(4)]) as scans:
        ends = sorted([end async for end in scans], key=lambda end: end.position)
        await engine.scan(same[1])
    assert ["team/app:1", "team/app:4", "team/app:2"] == log
    assert same == [end.result.image for end in ends[:3]]
    assert ends[0].result.results == ends[2].result.results


@virtual_time
async def test_a_failure_of_one_reference_is_not_that_of_another(make_engine: Make) -> None:
    """Where the leader's run failed, another reference of the digest is scanned by itself; the same one shares it."""
    log: list[str] = []

    async def refuse_first(_scanner: Scanner[Any], image: Image) -> ScannerReport:
        await asyncio.sleep(1)
        if ":1" in image.reference.text:
            raise ScannerUnavailableError("no access", retry=False)
        return FOUND

    given = [image(1, digest=9), image(2, digest=9), image(1, digest=9)]
    async with make_engine(one=counting(log, refuse_first)) as engine, engine.scan_many(given) as scans:
        ends = sorted([end async for end in scans], key=lambda end: end.position)
    assert ["failed", "ok", "failed"] == [outcome_of(end) for end in ends]
    assert ["team/app:1", "team/app:2"] == log


@virtual_time
async def test_what_an_index_calls_no_image_is_never_shared(make_engine: Make) -> None:
    """An unsupported entry and an image of one digest each have their own outcome."""
    given = [image(1, digest=9), evolve(image(2, digest=9), unsupported="an attestation")]
    async with make_engine(one=doing(slow)) as engine, engine.scan_many(given) as scans:
        assert ["unsupported", "ok"] == [outcome_of(end) async for end in scans]


class Endless:
    """A registry that does not answer."""

    async def resolve(self, *_arguments: object) -> Image:
        await asyncio.Event().wait()
        raise AssertionError


@virtual_time
async def test_stop_gives_an_end_for_all_that_was_taken(make_engine: Make) -> None:
    """What has ended stands, what runs is cancelled, what resolves is interrupted; the rest stays in the source."""

    async def hang_on_two(scanner: Scanner[Any], image: Image) -> ScannerReport:
        if ":2" in image.reference.text:
            scanner.context.keep(FOUND)
            await asyncio.Event().wait()
        return ScannerReport()

    given = iter([image(1), image(2), "registry.example/endless:1", image(3)])

    async def source() -> AsyncIterator[Any]:
        for one in given:
            yield one

    async with make_engine(one=doing(hang_on_two)) as engine:
        engine._crew.images._registry = Endless()
        async with engine.scan_many(source(), concurrency=2) as scans:
            first = await anext(scans)
            await asyncio.sleep(1)
            scans.stop()
            scans.stop()
            rest = {end.position: outcome_of(end) async for end in scans}
        assert set() == other_tasks()
    assert (0, {1: "cancelled", 2: "interrupted"}, 3) == (first.position, rest, scans.taken)
    assert [image(3)] == list(given)


@virtual_time
async def test_leaving_early_leaves_nothing(make_engine: Make) -> None:
    """After `break`, an error in the block or the caller's cancellation no task is left, and the error passes."""
    async with make_engine(one=Hanging, two=Stub) as engine:
        async with engine.scan_many([image(1), "missing:1"]) as scans:
            async for end in scans:
                assert "manifest" == outcome_of(end)
                break
        assert set() == other_tasks()

        async def consume() -> None:
            async with engine.scan_many([image(1), image(2)]) as scans:
                [end async for end in scans]

        consumer = asyncio.create_task(consume())
        await asyncio.sleep(1)
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer
        assert set() == other_tasks()


@virtual_time
async def test_closing_the_engine_ends_them(make_engine: Make) -> None:
    """Whoever iterates is told so, and nothing is left; outside `async with` nothing begins."""
    async with make_engine(one=Hanging) as engine:
        never = engine.scan_many([image(1)])
        with pytest.raises(RuntimeError, match="async with"):
            await anext(never)
        async with engine.scan_many([image(1)]) as scans:
            waiting = asyncio.create_task(anext(scans))
            await asyncio.sleep(1)
            await engine.aclose()
            with pytest.raises(RuntimeError, match="closed"):
                await waiting
        assert set() == other_tasks()


@virtual_time
async def test_what_has_ended_is_given_after_closing_too(make_engine: Make) -> None:
    """An end that nobody had taken yet comes first, then the error that tells of the others."""

    async def hang_on_two(_scanner: Scanner[Any], image: Image) -> ScannerReport:
        if ":2" in image.reference.text:
            await asyncio.Event().wait()
        return ScannerReport()

    async with make_engine(one=doing(hang_on_two)) as engine, engine.scan_many([image(1), image(2)]) as scans:
        await asyncio.sleep(1)
        await engine.aclose()
        assert "ok" == outcome_of(await anext(scans))
        for _ in range(2):
            with pytest.raises(RuntimeError, match="closed"):
                await anext(scans)


@virtual_time
async def test_timeouts(make_engine: Make) -> None:
    """`timeout` is each image's own; when `total_timeout` is up, what is under way ends, and the rest of a list."""
    async with make_engine(one=Hanging) as engine:
        async with engine.scan_many([image(1), image(2)], concurrency=1, timeout=5) as scans:
            each = [(outcome_of(end), round(asyncio.get_running_loop().time())) async for end in scans]
        begin = asyncio.get_running_loop().time()
        numbers = [image(n) for n in range(4)]
        async with engine.scan_many(numbers, concurrency=1, timeout=5, total_timeout=8) as scans:
            total = [(outcome_of(end), round(asyncio.get_running_loop().time() - begin)) async for end in scans]
    assert [("timed_out", 5), ("timed_out", 10)] == each
    assert ([("timed_out", 5), ("timed_out", 8), ("timeout", 8), ("timeout", 8)], 4) == (total, scans.taken)


async def _streamed(given: list[Any]) -> AsyncIterator[Any]:
    for one in given:
        yield one


@pytest.mark.parametrize("kind", [list, iter, _streamed])
@virtual_time
async def test_a_document_has_every_reference(make_engine: Make, kind: Callable[[list[Any]], Any]) -> None:
    """In the order given, by its report or by the reason why there is none; from whatever they are taken."""
    given = [image(3), "NO reference", "registry.example/missing:1", image(4), image(5)]
    async with make_engine(one=Stub) as engine:
        document = await engine.document(kind(given), concurrency=2)
    assert document.created is not None
    assert [image(3), image(4), image(5)] == [report.image for report in document.reports]
    assert [("NO reference", "reference"), ("registry.example/missing:1", "manifest")] == [
        (error.reference, error.step) for error in document.errors
    ]
    assert document == load_document(dump_document(document))


@virtual_time
async def test_a_document_when_the_time_is_up(make_engine: Make) -> None:
    """What was under way has a report that says so, and what had not begun a reason: nothing is left out as clean."""
    async with make_engine(one=Hanging) as engine:
        document = await engine.document(
            _streamed([image(n) for n in range(4)]), concurrency=1, timeout=5, total_timeout=8
        )
    assert ["timed_out"] * 2 == [report.results[0].outcome.value for report in document.reports]
    assert ["timeout"] * 2 == [error.step for error in document.errors]
    assert "before its turn came" in document.errors[0].message


@virtual_time
async def test_a_document_that_nobody_waits_for(make_engine: Make) -> None:
    """Cancelling the caller ends the scans, and a source that raises has begun none."""

    async def raises() -> AsyncIterator[Image]:
        yield image(1)
        raise ValueError("the list has ended early")

    log: list[str] = []
    async with make_engine(one=counting(log, slow)) as engine:
        with pytest.raises(ValueError, match="ended early"):
            await engine.document(raises())
        assert [] == log
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(engine.document([image(1), image(2)]), 3)
        assert (["team/app:1", "team/app:2"], set()) == (sorted(log), other_tasks())


class Index:
    """A registry whose references all stand for three images; ``missing`` for none that is there."""

    async def resolve_all(self, reference: Reference) -> tuple[Image, ...]:
        await asyncio.sleep(1)
        if "missing" in reference.repository:
            raise RegistryError("no such image", registry="registry.example", step="manifest")
        if "hollow" in reference.repository:
            return ()
        return tuple(evolve(image(n), reference=reference) for n in range(3))


@pytest.mark.parametrize("concurrency", [1, 2, 8])
@virtual_time
async def test_all_images_of_an_index(make_engine: Make, concurrency: int) -> None:
    """Each has its own end, before further references are taken; a reference without images has one as well."""
    given = ["registry.example/a:1", "registry.example/missing:1", "registry.example/hollow:1", "registry.example/b:1"]

    async def source() -> AsyncIterator[str]:
        for one in given:
            yield one

    for references in (given, source()):
        async with make_engine(one=doing(slow)) as engine:
            engine._crew.images._registry = Index()
            async with engine.scan_many(references, concurrency=concurrency, all_platforms=True) as scans:
                ends = sorted([(e.position, e.part, e.parts, outcome_of(e)) async for e in scans])
            assert set() == other_tasks()
        parts = [(part, 3, "ok") for part in range(3)]
        missing, hollow = (1, 0, 1, "manifest"), (2, 0, 1, "resolve")
        assert [*((0, *part) for part in parts), missing, hollow, *((3, *part) for part in parts)] == ends


@virtual_time
async def test_stop_reports_the_images_of_an_index_that_were_not_begun(make_engine: Make) -> None:
    """Their reference was taken: none of them is passed over."""
    async with make_engine(one=Hanging) as engine:
        engine._crew.images._registry = Index()
        async with engine.scan_many(["registry.example/a:1"], concurrency=1, all_platforms=True) as scans:
            await asyncio.sleep(2)
            scans.stop()
            ends = [(end.part, outcome_of(end)) async for end in scans]
    assert [(0, "cancelled"), (1, "interrupted"), (2, "interrupted")] == ends


@virtual_time
async def test_a_slow_source_loses_no_reference_to_the_images_of_an_index(make_engine: Make) -> None:
    """Those who waited for the next reference got images of the index instead; it comes when nobody waits."""

    async def source() -> AsyncIterator[str]:
        yield "registry.example/a:1"
        await asyncio.sleep(5)
        yield "registry.example/b:1"

    async with make_engine(one=doing(slow)) as engine:
        engine._crew.images._registry = Index()
        async with asyncio.timeout(1000), engine.scan_many(source(), concurrency=3, all_platforms=True) as scans:
            ends = sorted([(end.position, end.part) async for end in scans])
    assert [(position, part) for position in range(2) for part in range(3)] == ends


@virtual_time
async def test_progress_names_the_image(make_engine: Make) -> None:
    """Its beginning, and what each scanner does with it."""
    heard: list[ImageProgress] = []
    async with make_engine(one=Stub) as engine:
        async with engine.scan_many([image(1)], on_progress=heard.append) as scans:
            [end async for end in scans]
        await asyncio.sleep(0)
    assert [None, "waiting", "scanning", "ok"] == [one.progress and one.progress.state for one in heard]
    assert {(0, "registry.example/team/app:1")} == {(one.position, one.target.reference.text) for one in heard}


@virtual_time
async def test_every_scanner_failing_is_unknown_for_each(make_engine: Make) -> None:
    """A report whose scanner failed is no clean one, however many there are."""
    failing = raising(ScannerUnavailableError("down"))
    async with make_engine(one=failing) as engine, engine.scan_many([image(n) for n in range(20)]) as scans:
        ends = [end async for end in scans]
    assert [("failed", "unknown")] * 20 == [(outcome_of(end), end.result.verdict.value) for end in ends]


def test_ends_compare_by_what_they_say() -> None:
    """Not by the exception object."""
    result = UnresolvedImage(reference="x", step="resolve", message="no")
    errors = [RegistryError("no", registry="", step="resolve") for _ in range(2)]
    one, other = (ScanEnd(position=0, target="x", result=result, error=error) for error in errors)
    assert one == other
