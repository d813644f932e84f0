"""Study documents: what is accepted, what is refused and how it is said."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_tui.client.resolving import fill_bounds
from ser_tui.strategies import registry
from ser_tui.study import load
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.hyperparameters import HYPERPARAMETERS, STRENGTHS, for_method
from ser_tui.study.space import Choice, Fixed, Integer, Real, constants
from ser_tui.study.training import Training

CONFIGS = Path(__file__).parents[2] / "configs"


def message(text: str, *overrides: str) -> str:
    with pytest.raises(UserError) as caught:
        load.loads(text, "study.yaml", overrides)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_ready_study_survives_being_written_out(path: Path) -> None:
    study = resolved(path)
    assert load.loads(load.dumps(study)) == study


def resolved(path: Path, *overrides: str) -> Study:
    raw = load.read(path, overrides)
    fill_bounds(raw)
    return load.validate(raw, str(path))


def test_ready_studies_search_the_papers_space() -> None:
    for name in ("gp", "tpe", "random"):
        study = resolved(CONFIGS / f"emodb-{name}.yaml")
        assert study.search["learning_rate"] == Real(low=1e-6, high=1e-3, scale="log")
        assert study.search["epochs"] == Integer(low=1, high=10)
        assert study.search["unfreeze_epoch"] == Integer(low=0, high=5)
        assert study.search["max_seconds"] == Choice(choices=(2, 3, 4, 5, 7, 10))
        assert (study.budget.trials, study.protocol.kind, study.protocol.size, study.protocol.seed) == (15, "random", 0.2, 42)


def test_trimming_is_off_unless_asked_for_and_not_the_papers_way() -> None:
    path = CONFIGS / "emodb-probe.yaml"
    assert not resolved(path).training.trim_silence
    assert resolved(path, "training.trim_silence=true").training.trim_silence
    text = "training: {paper_exact: true}\n"
    assert "training.trim_silence" in message(text, "training.trim_silence=true")


def test_a_head_starts_at_random_unless_asked_for_and_always_in_the_papers_loop() -> None:
    assert constants(resolved(CONFIGS / "emodb-gp.yaml").search)["head_initialization"] == "random"
    assert "head_initialization" in message("training: {paper_exact: true}\n", "search.head_initialization=probe")
    assert "head_initialization" in message("search: {head_initialization: warm}\n")


def test_augmentation_is_off_unless_asked_for_and_names_what_it_does() -> None:
    path = CONFIGS / "emodb-probe.yaml"
    assert resolved(path).training.augment == ()
    assert resolved(path, "training.augment=[speed, noise]").training.augment == ("speed", "noise")
    assert "training.augment" in message("name: a\n", "training.augment=[reverb]")
    assert "does not augment" in message("training: {paper_exact: true}\n", "training.augment=[speed]")


def test_another_encoder_brings_its_own_bounds_unless_the_papers_are_asked_for() -> None:
    path = CONFIGS / "emodb-gp.yaml"
    own = resolved(path, "encoder=whisper-tiny.en").search["learning_rate"]
    assert isinstance(own, Real) and own.low > 1e-5
    papers = resolved(path, "encoder=whisper-tiny.en", "search=paper").search["learning_rate"]
    assert papers == Real(low=1e-6, high=1e-3, scale="log")


def test_unnamed_hyperparameters_are_written_out_with_their_defaults() -> None:
    study = load.loads("search:\n  epochs: 3\n")
    assert set(study.search) == set(for_method("finetune"))
    assert study.search["epochs"] == Fixed(fixed=3)
    assert study.search["batch_size"] == Fixed(fixed=HYPERPARAMETERS["batch_size"].default)


@pytest.mark.parametrize("method", ["probe", "autospeech"])
def test_c_rests_where_the_classifier_wants_it(method: str) -> None:
    def strength(*overrides: str) -> object:
        return load.loads(f"method: {method}", "study.yaml", overrides).search["inverse_regularization"]

    assert strength() == Fixed(fixed=0.03)
    assert strength("training.classifier=discriminant") == Fixed(fixed=0.25)
    named = load.loads(f"method: {method}", "study.yaml", ("training.classifier=discriminant", "search.inverse_regularization=0.03"))
    assert load.loads(load.dumps(named)) == named, "a run that an earlier version began goes on with the C that it began with"


def test_every_classifier_is_tried_with_as_many_c_round_its_own() -> None:
    assert set(STRENGTHS) == set(get_args(Training.model_fields["classifier"].annotation))
    for one in STRENGTHS.values():
        assert len(one.tried) == 4 and list(one.tried) == sorted(one.tried) and one.tried[0] < one.default < one.tried[-1]


def test_numbers_as_people_write_them_are_numbers() -> None:
    study = load.loads("search:\n  learning_rate: {low: 1e-6, high: 1E-3, scale: log}\n  layers: 2\n")
    assert study.search["learning_rate"] == Real(low=1e-6, high=1e-3, scale="log")
    assert study.search["layers"] == Fixed(fixed="2")


def test_speaker_names_keep_their_zeros() -> None:
    study = load.loads("protocol: {kind: speaker, speakers: [03, 8, '09']}")
    assert study.protocol.speakers == ("03", "8", "09")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("nam: x", "study.yaml: line 1: nam: no such key; did you mean name?"),
        ("name: x\nsearch:\n  learning_rte: 3", "line 3: search.learning_rte: no such hyperparameter; did you mean learning_rate?"),
        ("method: probe\nsearch:\n  learning_rate: 3", "line 3: search.learning_rate: not a hyperparameter of probe; known: "),
        ("search:\n  epochs: {low: 5, high: 2}", "line 2: search.epochs: low (5) must be below high (2)"),
        ("search:\n  epochs: {low: 0, high: 2}", "line 2: search.epochs: 0 is outside 1 to 1000"),
        ("search:\n  epochs: {low: 1.5, high: 2}", "search.epochs"),
        ("search:\n  learning_rate: {low: 0, high: 1, scale: log}", "log scale needs low above 0"),
        ("search:\n  learning_rate: {low: .nan, high: 1}", "finite"),
        ("search:\n  learning_rate: {low: 1e-5, hihg: 1}", "did you mean high?"),
        ("search:\n  max_seconds: {choices: [2, 2]}", "choices repeat a value"),
        ("search:\n  max_seconds: {choices: []}", "search.max_seconds"),
        ("search:\n  pooling: max", "'max' is not one of mean, mean+std"),
        ("search:\n  layers: first", "neither last nor layer numbers"),
        ("search:\n  epochs: true", "search.epochs"),
        ("strategy: [gp]", "strategy"),
        ("strategy: {kind: gp, startup: .nan}", "finite"),
        ("budget: {trials: 0}", "budget.trials: it must be greater than or equal to 1, not 0"),
        ("corpus: {name: emodb}", "line 1: corpus: {'name': 'emodb'} is neither a corpus' name nor a list of names"),
        ("corpus: []", "corpus: name at least one"),
        ("corpus: [3]", "corpus.0: 3 is not a text: write it in quotes if it is one"),
        ("name:", "name: nothing is not a text"),
        ("seed: x", "seed: 'x' is not a whole number"),
        ("training: {augment: speed}", "training.augment: 'speed' is not a list"),
        ("training: {trim_silence: 2}", "training.trim_silence: 2 is not true or false"),
        ("training: {warmup: 3}", "training.warmup: it must be less than 1, not 3"),
        ("budget: {}", "give trials, minutes, or both"),
        ("name: ../../etc", "letters, digits"),
        ("protocol: {kind: speaker, speakers: [a], test_speakers: [a]}", "named for validation and for test"),
        ("protocol: {size: 0.6, test_size: 0.5}", "leave nothing to train on"),
        ("x: &a [1]\ny: *a", "aliases"),
        ("a: [", "line 1: not valid YAML"),
        ("- 1", "a mapping"),
        ("name: x\nname: y", "not valid YAML"),
        ("2020-99-99: 1", "not valid YAML"),
        ("search: recomended", "line 1: search: 'recomended' is not paper, recommended, or a mapping"),
        ("search: papr", "; did you mean paper?"),
        ("name: x\nobjective: f1", "study.yaml: line 2: objective: 'f1' is not one of bca"),
        ("name: x\nconstraints: [latency < 1]", "study.yaml: line 2: constraints: 'latency < 1' is none"),
        ("name: x\nworkers: 100", "study.yaml: line 2: workers: 100 are more than the 64"),
        ("name: x\ntraining:\n  normalize_speaker: true", "study.yaml: line 3: training.normalize_speaker: is for probes"),
        ("name: x\nwarm_start:\n  rums: auto", "line 3: warm_start.rums: no such key; did you mean runs?"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, wanted: str) -> None:
    assert wanted in message(text)


def test_overrides_reach_any_value() -> None:
    text = "strategy: gp\nbudget: 15\nsearch:\n  learning_rate: {low: 1e-6, high: 1e-3, scale: log}\n"
    study = load.loads(
        text, overrides=["search.learning_rate.high=1e-4", "strategy.startup=3", "budget.minutes=2.5", "corpus=[emodb, demo]"]
    )
    assert study.search["learning_rate"] == Real(low=1e-6, high=1e-4, scale="log")
    assert (study.strategy.kind, dict(study.strategy.settings)) == ("gp", {"startup": 3})
    assert (study.budget.trials, study.budget.minutes) == (15, 2.5)
    assert study.corpus == ("emodb", "demo")


@pytest.mark.parametrize("override", ["nonsense", "=3", "search..low=1", "seed.low=3", "search.learning_rate.hgh=1"])
def test_overrides_that_mean_nothing_are_refused(override: str) -> None:
    message("seed: 1\nsearch:\n  learning_rate: {low: 1e-6, high: 1e-3}\n", override)


def test_what_an_override_makes_wrong_between_keys_is_said_of_the_override() -> None:
    assert message("name: x\n", "objective=f1").startswith("--set objective=f1: objective: 'f1' is not one of")
    said = message("method: finetune\n", "training.normalize_speaker=true")
    assert said.startswith("--set training.normalize_speaker=true: training.normalize_speaker: is for probes")


def test_a_file_that_is_no_document_is_one_line(tmp_path: Path) -> None:
    for name, data in {"binary.yaml": b"\xff\xfe\x00", "huge.yaml": b"a: 1\n" * 100_000}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match=name):
            load.load(tmp_path / name)
    with pytest.raises(UserError, match=r"missing\.yaml"):
        load.load(tmp_path / "missing.yaml")
    with pytest.raises(UserError):
        load.load(tmp_path)


def test_a_form_sees_every_problem_by_field() -> None:
    raw = load.parse("budget: {trials: -1}\nname: '!'\n", "form")
    assert set(load.problems(raw)) == {"budget.trials", "name"}
    assert set(load.problems(load.parse("objective: f1\n", "form"))) == {"objective"}, "beside the field, not beside none"
    assert load.problems(load.to_plain(Study())) == {}


def test_more_values_than_any_study_has_are_refused_before_they_are_built() -> None:
    many = ", ".join(f"{number}e-6" for number in range(1, 1200))
    assert "more than 1000 entries in one list" in message(f"seed: 1\nsearch:\n  learning_rate: {{choices: [{many}]}}\n")
    labels = "\n".join(f"  word{number}: x" for number in range(1200))
    assert "more than 1000 entries" in message(f"seed: 1\nlabels:\n{labels}\n")


YAML_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["name", "corpus", "search", "epochs", "low", "high", "scale", "choices", "learning_rate", "budget", "trials", "x"]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=120)
@given(YAML_LIKE)
def test_no_document_raises_anything_but_one_line(value: object) -> None:
    raw = value if isinstance(value, dict) else {"search": value}
    try:
        study = load.validate(raw, "fuzz")
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert load.loads(load.dumps(study)) == study


@settings(max_examples=120)
@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=200) | st.text(alphabet="ab:{}[]&*!|>-'\"#%@`,\n ?0123456789._~", max_size=80)
)
def test_no_text_raises_anything_but_one_line(text: str) -> None:
    try:
        load.loads(text, "fuzz")
    except UserError as error:
        assert "\n" not in str(error)


def test_whose_utterances_of_a_corpus_are_used() -> None:
    text = "corpus: [ravdess, emodb]\nspeakers:\n  ravdess: [01, 02]\n  emodb: {without: [03, '08']}\n"
    study = load.loads(text)
    assert study.speakers["ravdess"].only == ("01", "02") and study.speakers["emodb"].without == ("03", "08")
    assert load.loads(load.dumps(study)) == study
    assert load.to_plain(study)["speakers"] == {"ravdess": ["01", "02"], "emodb": {"without": ["03", "08"]}}
    assert load.loads("corpus: emodb\nspeakers: {emodb: 03}\n").speakers["emodb"].only == ("03",)
    assert load.loads("corpus: emodb\n").speakers == {}
    assert message("corpus: emodb\nspeakers:\n  emobd: [03]\n") == (
        "study.yaml: line 2: speakers.emobd: the study's corpora are emodb; write one of these"
    ) or "line 3: speakers.emobd" in message("corpus: emodb\nspeakers:\n  emobd: [03]\n")
    assert "no such key; did you mean without?" in message("corpus: emodb\nspeakers:\n  emodb: {wihout: [03]}\n")
    assert "name the speakers" in message("corpus: emodb\nspeakers: {emodb: []}\n")
    assert "named as used and as left out" in message("corpus: emodb\nspeakers: {emodb: {only: [03], without: [03]}}\n")


def test_what_is_searched_for_is_bca_unless_the_study_says_otherwise() -> None:
    assert load.loads("corpus: demo").objective == "bca"
    assert load.loads("{corpus: demo, objective: minutes}").objective == "minutes"
    two = load.loads("{corpus: demo, objectives: [accuracy, minutes], strategy: random}", checks=[registry.check])
    assert two.objective == "accuracy" and load.loads(load.dumps(two)) == two
    within = load.loads("{corpus: demo, constraints: 'latency <= 0.05', strategy: tpe}", checks=[registry.check])
    assert within.constraints == ("latency <= 0.05",) and load.loads(load.dumps(within)) == within
    for text, said in (
        ("{corpus: demo, objective: f1}", "'f1' is not one of bca, accuracy, minutes"),
        ("{corpus: demo, objectives: [bca, bca]}", "bca is named twice"),
        ("{corpus: demo, objectives: [bca, minutes, accuracy]}", "objectives"),
        ("{corpus: demo, objective: minutes, objectives: [bca, minutes]}", "not the first of objectives"),
        ("{corpus: demo, objectives: [bca, minutes], strategy: halving}", "compares trials by BCA alone"),
        ("{corpus: demo, constraints: latency < 0.05, strategy: gp}", "is none; write one like latency <= 0.05"),
        ("{corpus: demo, constraints: [f1 >= 0.5]}", "'f1' is not one of bca, accuracy"),
        ("{corpus: demo, constraints: [latency <= 5e]}", "'5e' in 'latency <= 5e' is no number"),
        ("{corpus: demo, constraints: [latency <= 0.05], strategy: halving}", "compares trials by BCA alone"),
        ("{corpus: demo, constraints: [latency <= 0.05], strategy: gp, warm_start: {runs: auto}}", "past runs are told by BCA alone"),
    ):
        with pytest.raises(UserError, match=said):
            load.loads(text, checks=[registry.check])


def test_a_dask_cluster_is_said_in_one_section() -> None:
    study = load.loads("executor: {kind: dask, scheduler: 'tcp://10.0.0.1:8786'}")
    assert study.executor.is_dask and study.workers == "auto" and load.loads(load.dumps(study)) == study
    assert load.loads("workers: 3\nexecutor: {kind: dask, cluster: local, threads: 2, settings: {local_directory: /tmp}}").workers == 3
    assert load.loads("workers: 100\nexecutor: {kind: dask, scheduler: 'tcp://10.0.0.1:8786'}").workers == 100
    with pytest.raises(UserError, match="workers: 100 are more than the 64 of one machine"):
        load.loads("workers: 100")
    assert not load.loads("name: x").executor.is_dask and load.loads("name: x").workers == 1


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("executor: dask", "executor.cluster: give the address"), ("executor: {scheduler: 'tcp://a:1'}", "executor.scheduler: is read"),
        ("executor: {kind: dask, scheduler: '10.0.0.1'}", "executor.scheduler: write it with its port"),
        ("executor: {kind: dask, scheduler: 'tcp://a:99999'}", "executor.scheduler: its port 99999 is none"),
        ("executor: {kind: dask, scheduler: 'tcp://a:1', cluster: local}", "executor.cluster: .*not both"),
        ("executor: {kind: dask, cluster: ssh, hosts: [a]}", "executor.hosts: name two"),
        ("executor: {kind: dask, cluster: local, hosts: [a, b]}", "executor.hosts: are read with"),
        ("executor: {kind: dask, scheduler: 'tcp://a:1', threads: 2}", "executor.threads: is of a cluster"),
        ("executor: {kind: dask, cluster: slrm}", "executor.cluster: .*slurm"), ("executor: {kin: dask}", "executor.kin: .*kind"),
    ],
)  # fmt: skip
def test_a_wrong_executor_is_refused_in_one_line(text: str, wrong: str) -> None:
    with pytest.raises(UserError, match=wrong) as refused:
        load.loads(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("corpus: emodb\nobjective: worst_corpus_bca", "line 2: objective: worst_corpus_bca is the lowest of several corpora; name"),
        ("constraints: worst_corpus_bca >= 0.5", "line 1: constraints: worst_corpus_bca is the lowest"),
        ("objectives: [bca, worst_corpus_bca]", "line 1: objectives: worst_corpus_bca is the lowest"),
        ("corpus: [a, a]\nprotocol: loco", "line 2: protocol: loco leaves one corpus out, so it needs two"),
        ("protocol: {kind: random, speakers: ['03']}", "line 1: protocol.speakers: random chooses who validates"),
        ("protocol: {kind: official, test_size: 0.2}", "line 1: protocol.test_size: official holds out"),
        ("protocol: {kind: sentence, test_speakers: ['03']}", "line 1: protocol.test_speakers: sentence keeps no speakers apart"),
        ("executor: {kind: dask, cluster: slurm}", "workers: say how many jobs the slurm cluster is to have"),
    ],
)
def test_what_every_worker_would_refuse_is_refused_with_its_line(text: str, wanted: str) -> None:
    with pytest.raises(UserError, match=wanted) as refused:
        load.loads(text)
    assert "\n" not in str(refused.value)
