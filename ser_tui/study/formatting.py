"""How numbers, times and states are written for people; the command line and the screens share it."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ser_tui.study.hyperparameters import TRAINED, Value, counts, read_of
from ser_tui.study.scores import AS_BCA, BCA, MEASURES, SELF_TRAINED, Measure, Score
from ser_tui.study.several_tests import holm

BLOCKS = "▁▂▃▄▅▆▇"
"""Of a sparkline; not the full block: lines of them below each other would fuse."""


def duration(seconds: float | None) -> str:
    """4m12s, 12s, 1h03m; a dash where there is no time."""
    if seconds is None or not math.isfinite(seconds):
        return "-"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def took(seconds: float | None) -> str:
    """0.3s, 9.4s, 12s: what something has taken, as `duration` writes it, below ten seconds with tenths, which a trial of a probe needs."""
    if seconds is None or not 0 < seconds < 9.95:
        return duration(seconds)
    return f"{seconds:.1f}s" if seconds >= 0.05 else "<0.1s"


def local_clock(time: str) -> str:
    """14:30:15 on this machine's clock, of an event's time in UTC (2026-11-22T14:30:15.000Z)."""
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S")
    except (ValueError, OverflowError):
        return time[11:19]


def local_zone() -> str:
    """CET, UTC or +09: what the times are in that people are shown."""
    return datetime.now().astimezone().strftime("%Z") or "local"


def score(value: float | None) -> str:
    """.953, as the field prints it; 1.000 and a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "-"
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0") else text


def loss_text(value: float | None) -> str:
    """0.214, 408.6 or 4e+05: a loss in six cells, however far training went astray; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 99.9995 else f"{value:.1f}" if abs(value) < 9999.95 else f"{value:.0e}"


SCORE_CELLS = 12
"""Cells of a score with its interval in a column."""
SCORE_HEADING = MEASURES[BCA].heading
"""Heads a column of BCA, each with its interval."""


def score_with_interval(value: float | None, interval: Sequence[float] | None, *, short: bool = False) -> str:
    """.976 [.912, .981]: both ends of the 95 % interval, which is lopsided near 1, so that a score never stands alone.

    `short`, for columns of SCORE_CELLS: .976 .91-.98, the ends to two places.
    """
    if value is None:
        return "-"
    if interval is None:
        return score(value)
    if not short:
        return f"{score(value)} {interval_text(interval)}"
    number = "1.00" if score(value) == "1.000" else score(value)
    ends = (f"{end:.2f}" if math.isfinite(end) else "?" for end in interval)
    return f"{number} " + "-".join("1.0" if end == "1.00" else end.removeprefix("0") for end in ends)


def score_text(found: Score | None, *, short: bool = False) -> str:
    """As `score_with_interval`; a dash where there is none."""
    return "-" if found is None else score_with_interval(found.value, found.interval, short=short)


WITH_FEATURES = ", features computed too"
"""Behind a peak of memory, where the trial also computed features that others find."""


def measured_text(measure: Measure, found: Score | None, *, short: bool = False) -> str:
    """A score of `measure` as people read it: .976 [.912, .981], 0.42 min, 1.25 GiB, 12.4 M; a dash where there is none.
    1.25 GiB, features computed too, or 1.25 GiB*: see `Score.with_features`.
    Of the worst of several groups which that was, .527 [.431, .622] (emovo, n = 392), where there is room."""
    if found is None or measure.unit == "share":
        whose = f" ({found.group}, n = {found.n})" if found is not None and found.group and not short else ""
        return f"{score_text(found, short=short)}{whose}"
    if measure.unit == "minutes":
        number = f"{found.value:.3g}" if found.value < 999.5 else f"{found.value:.0f}"
        return number if short else f"{number} min"
    if measure.unit == "bytes":
        return _bytes_text(found.value) + (("*" if short else WITH_FEATURES) if found.with_features else "")
    if measure.unit == "seconds":
        return f"{found.value:.2g} s" if short else f"{found.value:.3g} s"
    if measure.unit == "joules":
        return f"{found.value / 1e3:.3g} kJ" if found.value >= 1e3 else f"{found.value:.3g} J"
    return f"{found.value / 1e6:.2f} M" if found.value >= 1e5 else f"{found.value:.0f}"


def _bytes_text(value: float) -> str:
    for size, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if value >= size / 10:
            return f"{value / size:.2f} {unit}"
    return f"{value:.0f} B"


def difference_text(difference: float | None, p: float | None, over: str = "") -> str:
    """+.029, p = .04 over 8 speakers: a paired difference, with the p of its test where there was one, and whom p is about."""
    if difference is None:
        return "-"
    tested = "" if p is None else f", {p_text(p)}"
    tested += f" {over}" if tested and over else ""
    return f"{signed(difference)}{tested}"


LEVEL = 0.05
"""Of a paired test: below it a difference is called shown."""


def p_text(p: float) -> str:
    """p = .04, or p < .01; p = .047 where two digits would say .05, as of one that shows nothing at 5 %."""
    if p < 0.01:
        return "p < .01"
    digits = next((number for number in (2, 3, 4) if p >= LEVEL or round(p, number) < LEVEL), None)
    return "p < .05" if digits is None else f"p = {p:.{digits}f}".replace("p = 0.", "p = .")


def of_several(left: float, tests: int) -> str:
    """p = .08 of 3 tests (Holm): what is left of a p among several."""
    return f"{p_text(left)} of {tests} tests (Holm)"


def signed(difference: float) -> str:
    """+.029"""
    return f"{'+' if difference >= 0 else '-'}{score(abs(difference))}"


def verdict(difference: float | None, p: float | None) -> str:
    """What a paired test at 5 % says of fine-tuning against a probe; empty without a test."""
    if difference is None or p is None:
        return ""
    if p >= LEVEL:
        return "no difference shown"
    return "fine-tuning is better" if difference > 0 else "the probe is better"


def probe_parameters(parameters: Mapping[str, Value]) -> str:
    """layers 2+3, mean, C 0.1"""
    layers, pooling = (parameter(name, parameters.get(name)) for name in ("layers", "pooling"))
    strength = parameter("inverse_regularization", parameters.get("inverse_regularization"))
    return f"layers {layers}, {pooling}, C {strength}"


def interval_text(interval: Sequence[float] | None) -> str:
    """[.912, .981]"""
    return "-" if interval is None else f"[{score(interval[0])}, {score(interval[1])}]"


def accuracies(values: Mapping[str, float], intervals: Mapping[str, Sequence[float]]) -> str:
    """chance .167, majority .154 [.134, .176]: the accuracies among a zero-shot result's named scores. Chance is no estimate."""
    return ", ".join(
        f"{name.replace('_', ' ')} {score_with_interval(value, intervals.get(name))}"
        for name, value in values.items()
        if not name.endswith(AS_BCA)
    )


def beside_baselines(own: float, baselines: Mapping[str, float], p: Mapping[str, float], over: str) -> str:
    """BCA minus untuned +.146, p = .03 over 12 speakers, p = .06 of 2 tests (Holm); minus egemaps ...: a zero-shot score against its
    baselines, each by a paired test, and what is left of its p among several; empty without any. `over`: whom p is about, see
    `headline.p_is_about`."""
    tests = {name: value for name, value in p.items() if f"{name}{AS_BCA}" in baselines}
    told = [
        f"minus {name} {difference_text(own - baselines[f'{name}{AS_BCA}'], value, over)}"
        + (f", {of_several(left, len(tests))}" if len(tests) > 1 else "")
        for (name, value), left in zip(tests.items(), holm(list(tests.values())), strict=True)
    ]
    return f"BCA {'; '.join(told)}" if told else ""


def mapped(emotion: str, target: str) -> str:
    """fearful=fear, or surprised dropped: what an emotion of a target corpus counts as."""
    return f"{emotion}={target}" if target else f"{emotion} dropped"


def centred_text(centred: Mapping[str, float], intervals: Mapping[str, Sequence[float]], dropped: int) -> str:
    """What the scores in `events.EvaluationFinished.centred` are, in one line. `dropped`: see `of_recordings`."""
    return f"with the target's own mean taken out ({of_recordings(dropped)}): {accuracies(centred, intervals)}"


def of_recordings(dropped: int) -> str:
    """What a score on a target was made of besides the model, where its recordings were used together. `dropped`: those that the mapping
    leaves out, which labels tell."""
    but = f" but for the {dropped} that the mapping drops" if dropped else ""
    return f"its recordings, no labels{but}: transductive"


def self_trained_text(
    self_trained: Mapping[str, float], intervals: Mapping[str, Sequence[float]], utterances: int, dropped: int, heard: int
) -> str:
    """What the scores in `events.EvaluationFinished.self_trained` are, on so many utterances, in one line; empty without any. `dropped`:
    see `of_recordings`; `heard`: see the event."""
    of = f"all {heard} recordings, no labels: transductive" if heard else of_recordings(dropped)
    told = ", ".join(
        f"{name} {score_with_interval(self_trained[key], intervals.get(key))}"
        for name, key in (("accuracy", SELF_TRAINED), ("BCA", f"{SELF_TRAINED}{AS_BCA}"))
        if key in self_trained
    )
    return f"after self-training on the target ({of}): {told}, n={utterances}" if told else ""


def ended(state: str, reason: str) -> str:
    """failed: no such corpus; or the reason alone where it says the state itself, as in stopped by request."""
    return reason if reason.startswith(state) else f"{state}: {reason}"


def stopped_or_failed(reason: str) -> str:
    """How an evaluation without a result ended: stopped by request; failed: no such corpus."""
    return ended("stopped" if reason.startswith("stopped by") else "failed", reason)


def shared(known: bool | None) -> str:
    """Whether the parts share something: yes, no, or that it cannot be told."""
    return "cannot be told" if known is None else "yes" if known else "no"


def escaped_parts(text: str, separator: str) -> list[str]:
    """`text` between separators that no backslash stands before, with all backslashes left in: see `unescaped`."""
    parts, escape = [""], False
    for char in text:
        if char == separator and not escape:
            parts.append("")
        else:
            parts[-1] += char
        escape = char == "\\" and not escape
    return parts


def unescaped(text: str) -> str:
    """`text` without the backslashes that take the character behind them as it is; one at the very end stands for itself."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def predictable(masked: bool) -> str:
    """Among which classes the answers of an evaluation are."""
    return "only classes of the target can be predicted" if masked else "all classes of the model can be predicted"


def mapping_text(mapping: Mapping[str, str]) -> str:
    """anger=anger  calm=neutral  surprise=(dropped)"""
    return "  ".join(f"{emotion}={target or '(dropped)'}" for emotion, target in mapping.items())


def of_speakers(speakers: Sequence[str], without: Sequence[str], most: int | None = 5) -> str:
    """Whose utterances alone a score is of: speakers 01, 02 only; without speaker 03; empty where they are everybody's.

    At most so many are named of each kind; None: all.
    """

    def named(names: Sequence[str]) -> str:
        return f"speaker{'' if len(names) == 1 else 's'} {some_of(names, len(names) if most is None else most)}"

    told = [f"{named(speakers)} only"] if speakers else []
    return ", ".join([*told, *([f"without {named(without)}"] if without else [])])


def some_of(names: Sequence[str], most: int, between: str = ", ") -> str:
    """The first `most` of `names`: a, b and 3 more; with "; " between them a; b; and 3 more."""
    left = len(names) - most
    return between.join(names[:most]) + (f"{between.rstrip(', ')} and {left} more" if left > 0 else "")


def clock(seconds: float) -> str:
    """A place in a recording: 1:02:03.4, 2:03.4"""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def with_error(pair: tuple[float, float], digits: int = 3) -> str:
    """.943 (.004): a share and its standard error, which one search does not have."""
    value, error = (f"{number:.{digits}f}".removeprefix("0") for number in pair)
    return f"{value} ({error})" if math.isfinite(pair[1]) else value


def counted(number: float, thing: str, how: str = "") -> str:
    """1 trial, 15 trials, 2 searches. `how`: as in a format, "," for 1,200 utterances, "g" for 1.5 minutes."""
    ending = "" if number == 1 else "es" if thing.endswith(("s", "x", "sh", "rch", "tch")) else "s"
    return f"{number:{how}} {thing}{ending}"


def different_recordings(number: int) -> str:
    """one recording, 12 different recordings: of files that are the same byte for byte."""
    return "one recording" if number == 1 else f"{number} different recordings"


def machine_name(where: str) -> str:
    """node7, of a trial's `where` (see `events.TrialStarted`): node7, tcp://10.0.0.7:41233, 2 threads; a dash where it has none."""
    return where.partition(",")[0] or "-"


def progress_text(stage: str, done: int, utterances: int, epoch: int | None = None) -> str:
    """How far a stage has come, see `events.Progressed`: features 212/428, or epoch 3: 47 %, scoring 12 %."""
    if stage not in ("training", "scoring"):
        return f"{stage} {done}/{utterances}"
    share = f"{min(1.0, done / max(1, utterances)):.0%}".replace("%", " %")
    if stage == "training":
        return f"training {share}" if epoch is None else f"epoch {epoch}: {share}"
    return f"{stage} {share}"


def parameter(name: str, value: Value | None) -> str:
    """A hyperparameter's value, as short as it stays exact enough to read."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if name in ("learning_rate", "weight_decay", "inverse_regularization"):
        if value == 0:
            return "0"
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        return f"{mantissa}e{int(exponent)}" if abs(int(exponent)) > 2 else f"{value:.3g}"
    return f"{value:.4g}" if isinstance(value, float) else f"{value:g}"


def parameter_of(name: str, parameters: Mapping[str, Value]) -> str:
    """The same of a trial with `parameters`; a dash where it does not count with what the trial trains."""
    return parameter(name, parameters.get(name) if counts(name, parameters.get(TRAINED, "full")) else None)


def parameters_text(parameters: Mapping[str, Value]) -> str:
    """A trial's values with their names, in one line, without those that it does not read."""
    return ", ".join(f"{name} {parameter(name, value)}" for name, value in read_of(parameters).items())


def mean(values: Sequence[float]) -> float:
    """As `statistics.fmean`, whose module takes a tenth of the time to the first screen."""
    return math.fsum(values) / len(values)


def sparkline(
    values: Iterable[float | None],
    low: float | None = None,
    high: float | None = None,
    width: int | None = None,
    bar: Callable[[Sequence[float]], float] = mean,
) -> str:
    """Block characters, a blank for what is missing or not finite. Of a longer series each stands for several, see `binned`."""
    series = list(values) if width is None else binned(list(values), width, bar)
    real = [value for value in series if value is not None and math.isfinite(value)]
    if not real:
        return " " * len(series)
    bottom = min(real) if low is None else low
    top = max(real) if high is None else high
    span = top - bottom

    def block(value: float | None) -> str:
        if value is None or not math.isfinite(value):
            return " "
        share = min(1.0, max(0.0, (value - bottom) / span)) if 0 < span < math.inf else 0.5
        return BLOCKS[min(len(BLOCKS) - 1, int(share * len(BLOCKS)))]

    return "".join(block(value) for value in series)


def tenths(value: float) -> str:
    """.92 or 1.0: a score at the end of a sparkline."""
    text = f"{value:.2f}"
    return text[1:] if text.startswith("0") else text[:3]


def end_text(measure: Measure) -> Callable[[float], str]:
    """How a value of `measure` is written at the end of a sparkline."""
    return tenths if measure.unit == "share" else lambda value: measured_text(measure, Score(value), short=True)


def scaled_sparkline(
    values: Sequence[float | None],
    measure: Measure,
    width: int,
    ends: tuple[float, float] | None = None,
    bar: Callable[[Sequence[float]], float] = mean,
) -> str:
    """`sparkline` of values of `measure` between the two `ends` of its scale (None: those of the values): .92, blocks, .98."""
    real = [value for value in values if value is not None and math.isfinite(value)]
    if not real:
        return sparkline(values, width=width)
    low, high = ends or (min(real), max(real))
    written = end_text(measure)
    return f"{written(low)}{sparkline(values, low, high, width, bar)}{written(high)}"


def binned(series: Sequence[float | None], width: int, bar: Callable[[Sequence[float]], float]) -> list[float | None]:
    """All of `series` in at most `width` values: each is `bar` of equally many that follow each other."""
    if width <= 0:
        return []
    each = max(1, -(-len(series) // width))
    found: list[float | None] = []
    for start in range(0, len(series), each):
        real = [value for value in series[start : start + each] if value is not None and math.isfinite(value)]
        found.append(bar(real) if real else None)
    return found


def printable(text: str) -> str:
    """`text` without anything that a terminal would obey: control characters and lone surrogates become visible escapes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}" for char in text)


def csv_text(rows: Iterable[Iterable[Any]]) -> str:
    """Rows as CSV, each ended as on Unix. What a spreadsheet would take for a formula is the caller's, see `ser_tui.store.export`."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def json_text(value: Any, *, ascii_only: bool = False) -> str:
    """`value` as JSON for people and programs: what a terminal would obey, or no encoding takes, is escaped as JSON can.

    `ascii_only`: so is all that is no ASCII.

    Raises ValueError for a NaN.
    """
    text = json.dumps(value, ensure_ascii=ascii_only, allow_nan=False, indent=2)
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text) + "\n"


def folds_text(some: int, of: int) -> str:
    """3 of 10 folds; all 10 folds."""
    return f"all {of} folds" if some == of else f"{some} of {of} folds"
