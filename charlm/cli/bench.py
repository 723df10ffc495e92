"""`charlm bench`: how fast this machine trains and writes, and where the time goes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charlm.cli.options import PathOfAFile, WholeRange, overrides_option
from charlm.limits import MOST_SYMBOLS

if TYPE_CHECKING:
    from charlm.bench import Report
    from charlm.config import Config

MOST_STEPS = 1_000_000


@click.command(
    epilog="""\b
Examples:
  charlm bench
  charlm bench --set model.cell=gru --set model.hidden_size=512
  charlm bench configs/plays.yaml --json
"""
)
@click.argument("config", required=False, type=PathOfAFile())
@overrides_option
@click.option(
    "--vocabulary",
    type=WholeRange(min=2, max=MOST_SYMBOLS),
    default=65,
    metavar="V",
    help="How many symbols there are.",
)
@click.option(
    "--repeat", type=WholeRange(min=1, max=MOST_STEPS), default=20, metavar="N", help="How many steps are timed."
)
@click.option("--json", "as_json", is_flag=True, help="Print all of it as a JSON object.")
def command(config: Path | None, overrides: tuple[str, ...], vocabulary: int, repeat: int, as_json: bool) -> None:
    """Measure the speed of training and of writing on this machine.

    The network, batches, kernels and optimizer are those of CONFIG, or the defaults. The text is random symbols: no
    corpus is read, and nothing is written. It takes some twenty steps and as many again, in which the parts of a step
    are timed: in place, or alone, where a part is done over again by itself.
    """
    from charlm.bench import measure
    from charlm.config import Override, load, refuse_preset

    settings = load(config, overrides, [Override("corpus.path", "-", "bench")])
    refuse_preset(settings)
    report = measure(settings, vocabulary, repeat)
    if as_json:
        import json

        click.echo(json.dumps(_document(settings, report), indent=2))
    else:
        _show(settings, report)


def _show(config: "Config", report: "Report") -> None:
    """Print the figures for a person."""
    a, t, step = report.architecture, config.training, report.step
    click.echo(
        f"{a.num_layers} x {a.cell} of {a.hidden_size}, {a.vocabulary_size} symbols, "
        f"{t.batch_size} x {t.seq_length} characters, {a.dtype}, {report.kernels} kernels, "
        f"{report.split}\n"
    )
    click.echo(f"training   {report.chars_per_second:>12,.0f} chars/s")
    click.echo(
        f"step       {_ms(step.median):>12} ms, the middle half of {report.steps} between {_ms(step.low)} "
        f"and {_ms(step.high)}"
    )
    click.echo(
        f"products   {report.flops_per_second / 1e9:>12.1f} GFLOP/s over the whole step, "
        f"{report.share_of_peak:.0%} of this machine's {report.peak / 1e9:.0f}"
    )
    alone = "" if config.model.ngram.order is None else ", by the network alone, without its n-gram"
    click.echo(f"writing    {report.written_per_second:>12,.0f} chars/s, one text{alone}")
    if report.memory:
        click.echo(f"memory     {report.memory / 1e6:>12,.0f} MB at the most while training")
    click.echo(f"\n{'part of a step':<30}{'ms':>9}{'share':>8}{'GFLOP/s':>10}  measured")
    for part in report.parts:
        speed = f"{part.flops / part.seconds / 1e9:.0f}" if part.flops else ""
        share = part.seconds / report.instrumented
        click.echo(f"{part.name:<30}{_ms(part.seconds):>9}{share:>8.1%}{speed:>10}  {part.measured}")
    click.echo(f"\nthe time loops' products alone, as NumPy calls: {_ms(report.loop_products)} ms")


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:,.2f}" if seconds < 0.1 else f"{1000 * seconds:,.1f}"


def _document(config: "Config", report: "Report") -> dict[str, Any]:
    """Return the figures as plain values; times are in seconds."""
    from dataclasses import asdict

    return {
        "model": report.architecture.to_dict(),
        "kernels": report.kernels,
        "batch_size": config.training.batch_size,
        "seq_length": config.training.seq_length,
        **report.split._asdict(),
        "steps": report.steps,
        "seconds_per_step": asdict(report.step),
        "chars_per_second": report.chars_per_second,
        "flops_per_step": report.flops,
        "gflops": report.flops_per_second / 1e9,
        "peak_gflops": report.peak / 1e9,
        "share_of_peak": report.share_of_peak,
        "peak_memory_bytes": report.memory,
        "sampled_chars_per_second": report.written_per_second,
        "instrumented_seconds_per_step": report.instrumented,
        "parts": [asdict(part) for part in report.parts],
        "loop_products_seconds": report.loop_products,
    }
