"""What to do about a training that diverges: advice that fits its plan, and how often it may go back and how."""

from math import log

MOST_ROLLBACKS = 8  # of a run: the learning rate is then a 256th of what it was
RATE_FACTOR = 0.5  # what every rollback multiplies the learning rate by
FAR = 0.5  # nats: fresh weights cost a little more than guessing, and training starts from there
MANY_EVALUATIONS = 10  # without a better loss, after which a person is told which model is the best


def advice(learning_rate: float, warmup_steps: int, clip_norm: float | None) -> str:
    """Return what may keep a training from diverging, of the things that it does not do already."""
    ways = [f"a lower optimizer.learning_rate (it is {learning_rate:g})"]
    if warmup_steps == 0:
        ways.append("a schedule.warmup_steps")
    if clip_norm is None:
        ways.append("a training.clip_norm")
    elif clip_norm > 1:
        ways.append(f"a tighter training.clip_norm (it is {clip_norm:g})")
    return f"{' or '.join(filter(None, [', '.join(ways[:-1]), ways[-1]]))} may help"


def worse_than_guessing(loss: float, vocabulary_size: int) -> bool:
    """Tell whether a loss, in nats, is far above that of a model for which all V symbols are as likely: log V."""
    return loss > log(vocabulary_size) + FAR
