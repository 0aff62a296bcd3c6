"""The end of a training: its figures in one row."""

from vgp_bench.records.store import RunStore
from vgp_bench.records.summary import Summary, summarize
from vgp_bench.training.loop import Loop


def summary_of(loop: Loop, store: RunStore, test: tuple[float, float], peak_memory: float) -> Summary:
    """The summary of a loop that came to its end, its rows in `store`. test: loss and accuracy; peak_memory: bytes."""
    return summarize(
        store.columns("epochs"),
        store.columns("layers"),
        parameters=sum(p.numel() for p in loop.model.parameters() if p.requires_grad),
        steps=loop.done,
        seconds=loop.clock.seconds,
        test_loss=test[0],
        test_accuracy=test[1],
        peak_memory_bytes=peak_memory,
        chance_loss=loop.feed.chance.loss,
        chance_accuracy=loop.feed.chance.accuracy,
        times=store.columns("times"),
        clipped=store.columns("steps")["clipped"],
    )
