"""Facts about numbers that are far too large or small: they are mistakes of the configuration, told at once."""

from dataclasses import replace

import numpy as np
import pytest

from charlm.config import KEYS, SECTIONS, load
from charlm.errors import ConfigError
from charlm.training.optimizers import RULES

SOUND = {
    "optimizer.learning_rate": 1e-3,
    "optimizer.eps": 1e-8,
    "optimizer.weight_decay": 0.01,
    "training.clip_norm": 5.0,
    "training.clip_value": 1.0,
}


def mistakes_of(*overrides: str) -> list[str]:
    try:
        load(None, ["corpus.path=x", *overrides])
    except ConfigError as error:
        return error.mistakes
    return []


def numeric_keys() -> dict[str, str]:
    """Return the keys that take whole numbers or numbers, with which of the two."""
    found = {}
    for *parents, name in KEYS:
        described = SECTIONS[tuple(parents)].model_json_schema()["properties"][name]
        for kind in (described, *described.get("anyOf", [])):
            if kind.get("type") in ("integer", "number"):
                found[".".join((*parents, name))] = kind["type"]
    return found


NUMBERS = numeric_keys()


@pytest.mark.parametrize("key", [key for key, kind in NUMBERS.items() if kind == "integer"])
@pytest.mark.parametrize("value", ["1" + "0" * 24, "-1" + "0" * 24, "1" + "0" * 299])
def test_no_whole_number_may_be_immense(key, value):
    problems = mistakes_of(f"{key}={value}")
    assert any(told.startswith(f"--set {key}: must be ") for told in problems)


def test_the_keys_above_are_all_there():
    assert len(NUMBERS) > 25
    assert {"model.hidden_size", "model.num_layers", "model.embedding_size", "training.batch_size", "workers"} <= set(
        NUMBERS
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.hidden_size=1000000000000", "must be at most 65536, got 1000000000000"),
        ("model.num_layers=1000000000000", "must be at most 1000, got 1000000000000"),
        ("model.embedding_size=1000000000000", "must be at most 65536 or null, got 1000000000000"),
        ("training.batch_size=1000000000", "must be at most 1000000, got 1000000000"),
        ("training.seq_length=1000000000", "must be at most 1000000, got 1000000000"),
        ("training.max_minutes=1e300", "must be at most 10000000 or null, got 1e+300"),
        ("training.epochs=1e300", "must be at most 1000000000 or null, got 1e+300"),
        ("workers=1000000", "must be 'auto' or a whole number from 1 to 1024, got 1000000"),
    ],
)
def test_the_limit_is_told(override, message):
    assert mistakes_of(override) == [f"--set {override.partition('=')[0]}: {message}"]


@pytest.mark.parametrize(("dtype", "small", "large"), [("float32", 1e-300, 1e39), ("float64", 1e-320, None)])
@pytest.mark.parametrize("key", SOUND)
def test_a_number_that_the_networks_type_cannot_hold_is_a_mistake(key, dtype, small, large):
    chosen = [f"model.dtype={dtype}", "optimizer.name=adamw"]
    limits = np.finfo(dtype)
    (told,) = mistakes_of(*chosen, f"{key}={small}")
    assert told == f"--set {key}: must be at least {limits.tiny:.3g} with model.dtype '{dtype}', got {small}"
    if large is not None:
        (told,) = mistakes_of(*chosen, f"{key}={large}")
        assert told == f"--set {key}: must be at most {limits.max:.3g} with model.dtype '{dtype}', got {large}"
    for sound in (SOUND[key], float(limits.tiny) * 1.01, float(limits.max) * 0.99):
        assert mistakes_of(*chosen, f"{key}={sound!r}") == []


def test_a_weight_decay_of_zero_stays_allowed():
    assert mistakes_of("optimizer.weight_decay=0") == []


@pytest.mark.parametrize("override", ["model.dropout.input", "model.dropout.between", "model.dropout.output",
                                      "optimizer.name=sgd optimizer.momentum"])  # fmt: skip
def test_a_fraction_that_rounds_to_1_is_a_mistake(override):
    *chosen, key = override.split()
    nearly = "0.99999999"
    assert mistakes_of(*chosen, f"{key}={nearly}") == [
        f"--set {key}: rounds to 1 with model.dtype 'float32', got {nearly}"
    ]
    assert mistakes_of(*chosen, f"{key}={nearly}", "model.dtype=float64") == []
    assert mistakes_of(*chosen, f"{key}=0.9999") == []


@pytest.mark.parametrize("name", RULES)
def test_every_scalar_of_a_rule_survives_in_the_networks_type(name):
    rule = RULES[name]()
    if hasattr(rule, "eps"):
        rule = replace(rule, eps=float(np.finfo("float32").tiny) * 1e3)
    for step in (1, 10, 10**6):
        for scalar, value in rule.scalars(1e-3, step).items():
            assert (np.float32(value) == 0) == (value == 0), scalar
            assert np.isfinite(np.float32(value)), scalar
