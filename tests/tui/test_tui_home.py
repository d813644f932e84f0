"""The home screen: what a person sees of past and live runs, and what the keys do to them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from fabricated_runs import begin, finished, under_way
from piloting import press, shown, until, until_shown
from textual.events import AppBlur

from ser_tui.store.index import Index
from ser_tui.store.log import LogReader
from ser_tui.store.remarks import change_remarks
from ser_tui.study import events
from ser_tui.study.findings import Finding, plain
from ser_tui.study.frozen import changed
from ser_tui.study.log_codec import encode
from ser_tui.study.summary import summarize
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.data import feed as data_feed
from ser_tui.tui.screens.home import HomeScreen
from ser_tui.tui.screens.run import RunScreen
from ser_tui.tui.views.runs import HOME_COLUMNS, home_cells, home_columns


async def test_runs_are_listed_newest_first_with_their_figures(runs: Path) -> None:
    finished(runs, number=2, name="older", strategy="tpe")
    under_way(runs, number=1, name="newer").live()
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "older", "newer", "live")
        lines = [line for line in shown(pilot.app).splitlines() if "11-22" in line]
        assert "newer" in lines[0] and "live" in lines[0] and "6/15" in lines[0]
        assert "older" in lines[1] and "done" in lines[1] and "15/15" in lines[1] and ".953 .91-.99" in lines[1]
        assert "2 runs, 1 live" in shown(pilot.app)
        assert "shared speakers: yes (random split)" in shown(pilot.app) and "gp  whisper-tiny.en" in shown(pilot.app)
        await pilot.press("down")
        await until_shown(pilot, "tpe  whisper-tiny.en")  # the columns that 80 cells have no room for are told below


async def test_all_findings_of_a_run_are_counted_and_can_be_read(runs: Path) -> None:
    run = finished(runs, trials=2)
    told = [Finding(kind="told", sentence=f"Finding number {number} is one that a reader of the score must know.") for number in range(3)]
    first, *rest = LogReader(run.folder.log).each()
    assert isinstance(first, events.RunStarted)
    run.folder.log.write_bytes(b"".join(map(encode, [replace(first, findings=plain(told)), *rest])))
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "3 findings (f)")
        await press(pilot, "f")
        await until_shown(pilot, *(f"! {one.sentence}" for one in told))
        await press(pilot, "escape")
        await pilot.resize_terminal(200, 50)
        await until_shown(pilot, "findings     3: f reads them", *(f"! Finding number {number}" for number in range(3)))


async def test_an_empty_folder_says_what_to_do(runs: Path) -> None:
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "No runs yet", "set up a study", "ser-tui run demo")
        assert "enter open" not in shown(pilot.app) and "/ filter" not in shown(pilot.app), "there is nothing to open"


async def test_a_run_that_appears_is_listed_without_a_key(runs: Path) -> None:
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "No runs yet")
        finished(runs, number=0, name="appeared")
        await until_shown(pilot, "appeared")


async def test_a_run_that_another_screen_saw_first_is_listed_too(runs: Path) -> None:
    finished(runs, trials=1)
    app = SerTuiApp(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "1 run", "enter open")
        await pilot.press("question_mark")
        await until_shown(pilot, "Home: what ran")
        finished(runs, number=1, trials=1)
        app.feed().poll()
        await pilot.press("escape")
        await until_shown(pilot, "2 runs")


def test_of_many_runs_a_look_a_second_takes_the_old_ones_in_turn(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files each of 3,000 runs, once a second, keep a disk of a network busy for nothing."""
    monkeypatch.setattr(data_feed, "NEWEST", 2)
    monkeypatch.setattr(data_feed, "IN_TURN", 3)
    oldest = under_way(runs, number=9, trials=2)
    oldest.live()
    over = [finished(runs, number=number, trials=1).folder for number in range(8)]
    feed = data_feed.RunsFeed(runs)
    feed.poll()
    for folder in over:
        change_remarks(folder, lambda before: replace(before, title="seen"))
    oldest.trial(3, 0.8, oldest.parameters())
    seen = []
    for _ in range(3):
        feed.poll(in_turn=True)
        seen.append([one.title == "seen" for one in feed.summaries[:-1]].count(True))
    assert seen == [5, 8, 8] and feed.summaries[-1].trials == 3
    change_remarks(over[-1], lambda before: replace(before, title="now"))
    feed.poll()
    assert feed.summaries[-2].title == "now"
    feed.attend(over[6].run_id)
    for title in ("opened", "gone on with"):
        change_remarks(over[6], lambda before, title=title: replace(before, title=title))  # type: ignore[misc]
        feed.poll(in_turn=True)
        assert feed.summaries[6].title == title, "what this app has opened does not wait for its turn"
    shutil.rmtree(over[-1].path)
    assert len(feed.poll(in_turn=True) or ()) == 8


def test_an_old_run_that_another_process_goes_on_with_is_seen_at_the_next_look(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("NEWEST", 2), ("IN_TURN", 1), ("TURN_SECONDS", 60.0)):
        monkeypatch.setattr(data_feed, name, value)
    *_, old = (finished(runs, number=number, trials=1) for number in range(8))
    feed = data_feed.RunsFeed(runs)
    feed.poll()
    old.write(events.RunResumed())
    old.live()
    assert feed.poll(in_turn=True) is not None and feed.summaries[-1].state == "live"
    assert feed.poll(in_turn=True) is None


async def test_a_folder_with_a_run_under_another_name_is_told(runs: Path) -> None:
    finished(runs, trials=1).folder.path.rename(runs / "my best")
    async with SerTuiApp(runs).run_test(size=(100, 24)) as pilot:
        await until_shown(pilot, "No runs yet", "! 1 run under another name: ser-tui runs")


async def test_the_list_follows_a_live_run(runs: Path) -> None:
    run = under_way(runs, trials=2)
    run.live()
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "2/15")
        run.trial(3, 0.991, run.parameters())
        await until_shown(pilot, "3/15", ".991")


async def test_the_cursor_stays_where_it_was_put_after_a_run_was_looked_at(runs: Path) -> None:
    finished(runs, number=2, name="older")
    run = under_way(runs, number=1, name="newer", trials=2)
    run.live()
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "older", "2/15")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        await press(pilot, "escape", "down")
        home = pilot.app.screen
        assert isinstance(home, HomeScreen)
        await until(pilot, lambda: home.current is not None and home.current.name == "older")
        run.trial(3, 0.991, run.parameters())
        await until_shown(pilot, "3/15")
        assert home.current is not None and home.current.name == "older", "the next key would have met another run"


async def test_nothing_changes_while_another_pane_of_the_terminal_is_in_front(runs: Path) -> None:
    finished(runs, trials=2)
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "enter open")
        before = shown(pilot.app)
        pilot.app.post_message(AppBlur())
        await pilot.pause()
        assert pilot.app.focused is not None and shown(pilot.app) == before
        await press(pilot, "question_mark")
        await until_shown(pilot, "Home: what ran")


async def test_only_what_the_highlighted_run_allows_is_offered(runs: Path) -> None:
    under_way(runs, number=0).live()
    under_way(runs, number=1, name="left").dead()
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "s stop")
        assert not any(key in shown(pilot.app) for key in ("r resume", "d delete", "e evaluate")), "a worker is on it"
        await pilot.press("down")
        await until_shown(pilot, "r resume", "d delete", "interrupted: its worker is gone")
        assert "s stop" not in shown(pilot.app)


async def test_delete_asks_moves_to_the_trash_and_u_brings_it_back(runs: Path) -> None:
    run = finished(runs, trials=3)
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "d delete")
        await pilot.press("d")
        await until_shown(pilot, "to the trash?")
        assert "o corpora" not in shown(pilot.app), "the keys of the screen below do nothing now"
        await pilot.press("n")
        await until_shown(pilot, "o corpora")
        await until(pilot, lambda: "to the trash?" not in shown(pilot.app))
        assert run.folder.path.is_dir()
        await pilot.press("d")
        await until_shown(pilot, "to the trash?")
        await pilot.press("ctrl+y")
        await until_shown(pilot, "No runs yet", "u undo delete")
        assert not run.folder.path.exists()
        await pilot.press("u")
        await until_shown(pilot, "1 run", "enter open")
        assert run.folder.log.is_file()


async def test_keys_act_on_all_marked_runs(runs: Path) -> None:
    for number, name in enumerate(("alpha", "beta", "gamma")):
        finished(runs, number=number, trials=2, name=name)
    async with SerTuiApp(runs).run_test(size=(100, 24)) as pilot:
        await until_shown(pilot, "alpha", "beta", "gamma")
        await press(pilot, "space", "down", "space", "d")
        await until_shown(pilot, "Move 2 runs to the trash?", "4 trials")
        await pilot.press("ctrl+y")
        await until_shown(pilot, "1 run", "gamma", "u undo delete")
        await pilot.press("u")
        await until_shown(pilot, "3 runs", "alpha", "beta")


def test_wide_tables_show_more_columns_and_none_that_does_not_fit(runs: Path) -> None:
    finished(runs, number=0, trials=3, probe=0.924)
    [summary] = Index(runs).refresh()
    assert not {"protocol", "encoder", "probe"} & {column.key for column in home_columns(100)}
    for room in range(40, 260):
        columns = home_columns(room)
        assert room < 72 or sum(column.width + 1 for column in columns) <= room
        assert len(home_cells(summary, None, True, columns)) == len(columns)
    shown_at_200 = {column.key: cell.plain for column, cell in zip(columns, home_cells(summary, None, True, columns), strict=True)}
    assert shown_at_200["protocol"] == "random" and shown_at_200["n"] == "127" and shown_at_200["probe"] == ".924"
    assert shown_at_200["spark"].startswith(".") and 5 <= len(shown_at_200["spark"]) <= 14, "between the ends of its scale"
    assert shown_at_200["encoder"] == "whisper-tiny.en" and shown_at_200["zero"] == "-"


async def test_runs_are_sorted_by_a_key_and_by_a_click_on_a_heading(runs: Path) -> None:
    for number, (name, shift) in enumerate((("alpha", 0.0), ("beta", 0.02), ("gamma", 0.01))):
        finished(runs, number=number, name=name, shift=shift)
    begin(runs, number=3, name="delta").write(events.RunFailed(reason="no"))

    def order() -> list[str]:
        return [name for line in shown(pilot.app).splitlines() for name in ("alpha", "beta", "gamma", "delta") if f" {name} " in line]

    async with SerTuiApp(runs).run_test(size=(100, 24)) as pilot:
        await until_shown(pilot, "alpha", "delta", "v sort")
        await until(pilot, lambda: order()[:4] == ["alpha", "beta", "gamma", "delta"])
        await press(pilot, "v")
        await until_shown(pilot, "Sort by", "best first")
        await press(pilot, "down", "enter")
        await until(pilot, lambda: order()[:4] == ["beta", "gamma", "alpha", "delta"])
        await until_shown(pilot, "by score, best first")
        heading = next(line for line in shown(pilot.app).splitlines() if "BCA" in line and "STATE" in line)
        await pilot.click("#runs", offset=(heading.index("BCA"), 0))
        await until(pilot, lambda: order()[:4] == ["alpha", "gamma", "beta", "delta"])  # what has no score stays last


async def test_a_run_gets_a_title_and_tags_and_is_found_by_them(runs: Path) -> None:
    finished(runs, number=0, trials=1, name="alpha")
    finished(runs, number=1, trials=1, name="beta")
    async with SerTuiApp(runs).run_test(size=(100, 24)) as pilot:
        await until_shown(pilot, "alpha", "beta")
        await pilot.press("t")
        await until_shown(pilot, "shown in lists instead")
        await press(pilot, "'paper, no/good", "enter")
        await until_shown(pilot, "cannot be a tag")
        await press(pilot, "ctrl+u", "'paper seeds", "up", "'Table 3", "enter")
        await until_shown(pilot, "Table 3 #pap", "beta")
        assert "alpha" not in shown(pilot.app)
        await press(pilot, "slash", "'tag:paper")
        await until(pilot, lambda: "beta" not in shown(pilot.app) and "Table 3" in shown(pilot.app))


async def test_archived_runs_are_out_of_the_list_until_they_are_asked_for(runs: Path) -> None:
    finished(runs, number=0, trials=1, name="alpha")
    finished(runs, number=1, trials=1, name="beta")
    async with SerTuiApp(runs).run_test(size=(100, 24)) as pilot:
        await until_shown(pilot, "alpha", "beta")
        await pilot.press("a")
        await until_shown(pilot, "2 runs, 1 archived")
        await until(pilot, lambda: "beta" in shown(pilot.app) and "alpha" not in shown(pilot.app))
        await press(pilot, "slash", "'archived:yes", "enter")
        await until_shown(pilot, "1 shown: archived:yes", "alpha")
        await pilot.press("a")
        await until_shown(pilot, "No runs match 'archived:yes'")
        await pilot.press("escape")
        await until_shown(pilot, "alpha", "beta")


async def test_the_filter_keeps_the_runs_that_are_wanted_while_it_is_typed(runs: Path) -> None:
    finished(runs, number=0, trials=1, name="alpha", strategy="tpe")
    finished(runs, number=1, trials=1, name="beta", strategy="gp")
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "alpha", "beta")
        await press(pilot, "slash", "'tpe alp")
        await until_shown(pilot, "enter to the list")
        await until(pilot, lambda: "beta" not in shown(pilot.app) and "alpha" in shown(pilot.app))
        await press(pilot, "ctrl+u", "'strategy:gp bca>")
        await until_shown(pilot, "1 shown   ! bca>: bca is compared", "beta")
        await press(pilot, "'.99 or name:alpha")
        await until_shown(pilot, "1 shown: strategy:gp bca>.99 or name:alpha")
        assert "beta" not in shown(pilot.app)
        await press(pilot, "ctrl+u", "'zzz")
        await until_shown(pilot, "No runs match")
        await pilot.press("escape")
        await until_shown(pilot, "alpha", "beta")


async def test_names_and_reasons_are_text_and_nothing_else(runs: Path) -> None:
    run = begin(runs)
    run.write(events.RunFailed(reason="[bold red]no[/] \x1b[2J \x07 end"))
    async with SerTuiApp(runs).run_test(size=(180, 30)) as pilot:
        await until_shown(pilot, "[bold red]no[/] \\x1b[2J \\x07 end")


async def test_an_unreadable_run_and_a_damaged_log_do_not_hide_the_others(runs: Path) -> None:
    finished(runs, number=0, name="good", trials=2)
    hurt = finished(runs, number=1, name="hurt", trials=2)
    lines = hurt.folder.log.read_bytes().splitlines(keepends=True)
    lines[3] = b"\x00\xff garbage\n"
    hurt.folder.log.write_bytes(b"".join(lines) + b'{"v":1,"half')
    (runs / "20261101-000000-empty-2222").mkdir()
    (runs / "index.json").write_text("{broken")
    async with SerTuiApp(runs).run_test(size=(140, 30)) as pilot:
        await until_shown(pilot, "good", "hurt", "empty")
        await pilot.press("down")
        await until_shown(pilot, "1 damaged line in its log")


@pytest.mark.parametrize("size", [(80, 24), (110, 30), (200, 50), (40, 10)])
async def test_it_fits_every_terminal(runs: Path, size: tuple[int, int]) -> None:
    finished(runs, trials=3)
    async with SerTuiApp(runs).run_test(size=size) as pilot:
        await until_shown(pilot, "done", "? help")
        await pilot.pause()
        assert "done" in shown(pilot.app) and "? help" in shown(pilot.app), "also once everything has its place"
        assert all(len(line) <= size[0] for line in shown(pilot.app).splitlines())


async def test_what_is_typed_faster_than_the_filter_opens_is_its_text(runs: Path) -> None:
    finished(runs, trials=1)
    app = SerTuiApp(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "/ filter")
        for key in ("slash", "e", "m", "o", "backspace", "d"):
            app.simulate_key(key)
        await until_shown(pilot, "shown: emd")
        assert isinstance(app.screen, HomeScreen)


async def test_while_words_are_typed_the_keys_are_the_field_s(runs: Path) -> None:
    finished(runs, trials=2)
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "/ filter")
        await press(pilot, "slash", "'none such")
        await until_shown(pilot, "No runs match", "esc all runs")
        assert "/ filter" not in shown(pilot.app), "it is typed"
        await press(pilot, "escape")
        await until_shown(pilot, "done", "/ filter")


async def test_a_zero_shot_score_says_of_how_many_and_whether_they_were_unseen(runs: Path) -> None:
    run = finished(runs, trials=2)
    run.write(events.EvaluationStarted(corpus="ravdess", mapping={"angry": "anger"}, utterances=624))
    run.write(events.EvaluationFinished(
        corpus="ravdess", trial=1, mapping={"angry": "anger"}, masked=True, utterances=624, dropped=0, classes=("anger",),
        columns=("anger",), confusion=((624,),), accuracy=0.5, accuracy_interval=(0.4, 0.6), bca=0.5, bca_interval=(0.4, 0.6),
        recalls={"anger": 0.5}, chance=0.167, warnings=("Duplicates: 624 of the 624 recordings were trained on, byte for byte.",),
    ))  # fmt: skip
    async with SerTuiApp(runs).run_test(size=(200, 50)) as pilot:
        await until_shown(pilot, "accuracy .500 [.400, .600]", "chance .167  n = 624", "not unseen")


def test_no_number_of_a_row_is_cut(runs: Path) -> None:
    run = finished(runs, trials=2)
    summary = changed(summarize(run.folder.run_id, run.folder.state()), trials=150, planned_trials=150)
    for room, many in ((78, "150"), (118, "150/150"), (198, "150/150")):
        columns = home_columns(room)
        for counted, told in ((15, "15/15"), (150, many), (150_000, "150000")):
            cells = home_cells(changed(summary, trials=counted, planned_trials=counted), None, False, columns)
            found = dict(zip((column.key for column in columns), cells, strict=True))
            assert found["trials"].plain == told
            assert all(found[one.key].cell_len <= one.width for one in columns if not one.flexible)
    assert [column.key for column in home_columns(118)] == [column.key for column in HOME_COLUMNS]
