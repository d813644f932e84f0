"""What a study says and nothing in it reads is named when it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_tui.client.resolving import fill_bounds
from ser_tui.strategies import registry
from ser_tui.study import load
from ser_tui.study.unread import unread

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("protocol: {kind: speaker, objective_folds: all}", "protocol.objective_folds is not read: protocol speaker has no folds; kfold,"),
        ("protocol: {kind: loso, size: 0.3}", "protocol.size is not read"),
        ("protocol: {kind: speaker, test_size: 0.2, test_speakers: ['15']}", "protocol.test_size is not read: test_speakers says"),
        ("method: probe\ntraining: {averaging: ema}", "training.averaging is not read: it is about fine-tuning, and this study's method"),
        ("method: probe\ntraining: {warmup: 0.3}", "training.warmup is not read"),
        ("method: autospeech\ntraining: {precision: bfloat16}", "training.precision is not read"),
        ("training: {paper_exact: true, precision: bfloat16}", "training.precision is not read: training.paper_exact trains in float32"),
        ("search: {lora_rank: 16}", "search.lora_rank is not read: it is for trained: lora, not full"),
        ("search: {trained: {choices: [full, bitfit]}, lora_rank: 16}", "search.lora_rank is not read: it is for trained: lora, not full"),
        ("budget: {trials: 15, stop_after: 15}", "budget.stop_after ends nothing: the search has 15 trials in all"),
        ("protocol: {kind: kfold, folds: 3, objective_folds: 4}", "protocol.objective_folds: 4 are more than the 3 folds"),
        ("search: {epochs: {low: 1, high: 3}, unfreeze_epoch: 3}", "search.unfreeze_epoch: no trial trains the encoder, which is frozen"),
        ("search: {trained: head, layer_decay: 0.5}", "search.layer_decay is not read: it is for trained: full or top-k or lora or"),
    ],
)
def test_what_is_not_read_is_named(text: str, named: str) -> None:
    [sentence] = unread(load.loads(text))
    assert sentence.startswith(named)


@pytest.mark.parametrize(
    "text",
    [
        "protocol: {kind: loso, objective_folds: all, folds: 7}",  # `ser-tui folds RUN --protocol kfold` makes so many
        "protocol: {kind: loso-sentence, size: 0.3, test_speakers: ['15']}",
        "protocol: {kind: speaker-sentence, test_size: 0.3, test_speakers: ['15']}",
        "method: probe\ntraining: {normalize: peak, classifier: discriminant, calibration: temperature, refit: all}",
        "method: autospeech\ntraining: {warmup: 0.3, gradient_clip: 5}",
        "training: {classifier: discriminant, averaging: swa, paper_exact: false}",
        "search: {trained: {choices: [full, lora]}, lora_rank: 16}",
        "search: {trained: head, unfreeze_epoch: 3}",
    ],
)
def test_what_is_read_is_not_named(text: str) -> None:
    assert unread(load.loads(text)) == ()


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_studies_that_come_along_say_nothing_in_vain(path: Path) -> None:
    raw = load.read(path)
    fill_bounds(raw)
    study = load.validate(raw, str(path))
    assert unread(study) == () and registry.unheeded(study) == ()
    # Nor does the study that a run keeps, with every default written out.
    kept = load.loads(load.dumps(registry.completed(study)))
    assert unread(kept) == () and registry.unheeded(kept) == ()


def test_what_changes_nothing_of_a_strategy_is_named() -> None:
    assert registry.unheeded(load.loads("strategy: {kind: gp, points: 9}\nbudget: 15")) == (
        "strategy.points is not read: strategy gp has no such setting",
    )
    [drawn] = registry.unheeded(load.loads("strategy: {kind: tpe, startup: 20}\nbudget: 15"))
    assert drawn.startswith("strategy tpe proposes none of 15 trials: the first 20 are drawn")
    for text in ("strategy: random\nbudget: 2", "strategy: gp\nbudget: 5", "strategy: gp\nbudget: {minutes: 3}"):
        assert registry.unheeded(load.loads(text)) == ()
