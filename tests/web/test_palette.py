"""The colours of ``tokens.css``: readable, and told apart by colour-blind readers.

Contrast is WCAG 2.2's. Colour blindness is simulated by the matrices of Machado, Oliveira and Fernandes (2009) at full
severity on linear RGB; distances are in OKLab, where 0.02 is about what can just be noticed.
"""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import eclectyc.web

TOKENS = (Path(eclectyc.web.__file__).parent / "static" / "css" / "tokens.css").read_text()
SCHEMES = ("light", "dark")
UTILITIES = ("electricity", "gas", "water", "heat", "solar", "fuel")
BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
    "none": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
}
FURTHEST = {"protanopia": 0.09, "deuteranopia": 0.09, "tritanopia": 0.07, "none": 0.12}
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(token: str, scheme: str) -> np.ndarray:
    """Return a token's colour as linear RGB."""
    found = re.search(rf"--{token}: light-dark\((#[0-9a-f]{{6}}), (#[0-9a-f]{{6}})\)", TOKENS)
    assert found, f"--{token} is not a pair of colours"
    text = found[1 + SCHEMES.index(scheme)]
    channel = np.array([int(text[n : n + 2], 16) / 255 for n in (1, 3, 5)])
    return np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str, scheme: str) -> float:
    """Return the WCAG contrast of two tokens."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted(float(linear(token, scheme) @ weights) for token in (one, other))
    return (high + 0.05) / (low + 0.05)


def oklab(rgb: np.ndarray) -> np.ndarray:
    return np.cbrt(np.clip(rgb, 0, 1) @ TO_LMS.T) @ TO_LAB.T


def test_contrast_is_computed_as_the_standard_says() -> None:
    black_on_white = (1.0 + 0.05) / (0.0 + 0.05)
    assert black_on_white == pytest.approx(21)
    assert contrast("accent-ink", "accent-ink", "light") == 1


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", ["ground", "surface", "raised", "sunken"])
@pytest.mark.parametrize("ink", ["ink", "ink-soft"])
def test_text_is_readable_on_every_ground(ink: str, ground: str, scheme: str) -> None:
    assert contrast(ink, ground, scheme) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("accent", "ground"),
        ("accent", "surface"),
        ("accent-ink", "accent"),
        ("ink", "accent-soft"),
        ("wrong", "surface"),
        ("wrong", "wrong-soft"),
        ("ink", "wrong-soft"),
        ("attention", "surface"),
        ("attention", "attention-soft"),
        ("ink", "attention-soft"),
    ],
)
def test_what_speaks_in_colour_is_readable(ink: str, ground: str, scheme: str) -> None:
    assert contrast(ink, ground, scheme) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("token", [*(f"utility-{name}" for name in (*UTILITIES, "energy", "other")), "line-strong"])
def test_what_carries_meaning_stands_out_from_its_surface(token: str, scheme: str) -> None:
    assert contrast(token, "surface", scheme) >= 3


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("sight", BLINDNESS)
@pytest.mark.parametrize(("one", "other"), list(combinations(UTILITIES, 2)))
def test_utilities_are_told_apart_by_colour_blind_readers(one: str, other: str, sight: str, scheme: str) -> None:
    seen = [oklab(linear(f"utility-{name}", scheme) @ np.array(BLINDNESS[sight]).T) for name in (one, other)]
    assert np.linalg.norm(seen[0] - seen[1]) >= FURTHEST[sight]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("sight", BLINDNESS)
def test_the_ramp_of_heat_maps_goes_one_way_for_every_reader(sight: str, scheme: str) -> None:
    steps = [oklab(linear(f"heat-{n}", scheme) @ np.array(BLINDNESS[sight]).T)[0] for n in range(6)]
    rises = np.diff(steps) if scheme == "dark" else -np.diff(steps)
    assert (rises > 0.05).all()
