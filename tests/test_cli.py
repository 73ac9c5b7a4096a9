"""What a user types and sees."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import click
import pytest
import yaml
from api_server import Serve, refusal
from click.shell_completion import BashComplete
from fake_api import FakeCluster, started

from dsv4deploy import Release, Values, __version__, check, load, render
from dsv4deploy import cli as cli_package
from dsv4deploy.checks.rules import RULES
from dsv4deploy.cli import TASKS, VERBS, cli, main
from dsv4deploy.cli.connection import ClusterOptions, cluster_options, placed_options
from dsv4deploy.cli.options import DeploymentOptions, Gibibytes, Seconds
from dsv4deploy.cli.output import print_json
from dsv4deploy.cli.suggested import completed, remember
from dsv4deploy.cluster.client import Cluster
from dsv4deploy.values.profiles import DEFAULT, kept, profile_names
from dsv4deploy.values.schema import documentation
from dsv4deploy.why.entries import entries


class Done(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Done]
WARNINGS = [finding.code for finding in check(Values())]
KNOWN = f"no findings from your values; {len(WARNINGS)} known from {DEFAULT}"
NOTE = f"check: {KNOWN}\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Types one command in this process; its exit code and what it said."""

    def typed(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["dsv4deploy", *map(str, words)])
        code: object = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        told = capsys.readouterr()
        return Done(int(code or 0), told.out, told.err)  # type: ignore[call-overload]

    return typed


def test_render_prints_the_validated_deployment(run: Run) -> None:
    done = run("render")
    assert (done.code, done.err) == (0, NOTE)
    assert list(yaml.safe_load_all(done.out)) == render(Values())


def test_render_lays_profile_files_and_settings_on_each_other(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("replicas: 2\nname: a\n")
    (tmp_path / "b.yaml").write_text("name: b\n")
    done = run(
        *("render", tmp_path / "a.yaml", tmp_path / "b.yaml"),
        *("--profile", "ascend-910b4-8-w4a8", "--set", "engine.args.max-num-seqs=8"),
        *("--set-json", "engine.args.gpu-memory-utilization=0.85", "--set-string", "model.name=m"),
        *("-n", "prod"),
    )
    values = load(
        {"replicas": 2, "name": "b", "model": {"name": "m"}},
        {"engine": {"args": {"max-num-seqs": 8, "gpu-memory-utilization": 0.85}}},
    )
    assert list(yaml.safe_load_all(done.out)) == render(values, Release(namespace="prod"))


def test_name_renames_the_service(run: Run) -> None:
    done = run("render", "--name", "chat")
    assert list(yaml.safe_load_all(done.out)) == render(load({"name": "chat"}))


def test_output_goes_to_a_file_or_to_one_file_an_object(run: Run, tmp_path: Path) -> None:
    assert run("render", "-o", tmp_path / "new" / "m.yaml").out == ""
    whole = list(yaml.safe_load_all((tmp_path / "new" / "m.yaml").read_text()))
    run("render", "-o", f"{tmp_path}/parts/")
    names = sorted(path.name for path in (tmp_path / "parts").iterdir())
    assert names == [
        "llminferenceservice-deepseek-v4-flash-w4a8-agg-base.yaml",
        "llminferenceserviceconfig-deepseek-v4-flash-w4a8-agg-router.yaml",
    ]
    parts = [yaml.safe_load((tmp_path / "parts" / name).read_text()) for name in names]
    assert sorted(map(str, parts)) == sorted(map(str, whole))


def test_a_folder_names_the_manifests_that_this_render_does_not_write(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "README.md").write_text("mine")
    assert "did not write" not in run("render", "--set", "maas.enabled=true", "-o", tmp_path).err
    done = run("render", "-o", tmp_path)
    assert done.code == 0
    assert "did not write aigatewayroute-" in done.err
    assert "gateway-maas.yaml" in done.err
    assert "llminferenceservice" not in done.err
    assert "README" not in done.err
    assert (tmp_path / "gateway-maas.yaml").exists()


def test_a_written_file_keeps_its_mode_and_a_new_one_gets_the_umask_s(
    run: Run, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.touch(0o600)
    before = os.umask(0o027)
    try:
        for path in (old, new):
            assert run("render", "-o", path).code == 0
    finally:
        os.umask(before)
    assert [f"{path.stat().st_mode & 0o777:o}" for path in (old, new)] == ["600", "640"]


def test_output_goes_through_a_link_and_into_a_pipe(run: Run, tmp_path: Path) -> None:
    manifest = run("render").out
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to("file")  # which is not there yet
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    for _ in range(2):
        assert run("render", "-o", link) == Done(0, "", NOTE)
        assert run("render", "-o", pipe) == Done(0, "", NOTE)
        assert os.read(reader, 65_536).decode() == manifest
        assert link.is_symlink()
        assert pipe.is_fifo()
    os.close(reader)
    assert (tmp_path / "file").read_text("utf-8") == manifest
    assert len(list(tmp_path.iterdir())) == 3


def test_a_disk_that_is_full_is_one_sentence() -> None:
    for words in (("render",), ("rules", "list", "-o", "json")):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "dsv4deploy", *words],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        told = "stdout: cannot write: No space left on device\n"
        assert (done.returncode, done.stderr) == (1, told)


def test_each_values_file_of_a_folder_becomes_a_manifest(run: Run, tmp_path: Path) -> None:
    clusters, out = tmp_path / "clusters", tmp_path / "out"
    clusters.mkdir()
    for name in ("one", "two"):
        (clusters / f"{name}.yaml").write_text(f"name: {name}\n")
    common = tmp_path / "common.yaml"
    common.write_text("replicas: 3\n")
    assert run("render", common, "--each", clusters, "-o", out).code == 0
    for name in ("one", "two"):
        objects = list(yaml.safe_load_all((out / f"{name}.yaml").read_text()))
        assert objects == render(load({"name": name, "replicas": 3}))


def test_one_bad_file_of_a_folder_stops_all_and_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text("name: good\n")
    (tmp_path / "bad.yaml").write_text("nmae: bad\n")
    done = run("render", "--each", tmp_path, "-o", tmp_path / "out")
    assert done.code == 1
    assert f"{tmp_path}/bad.yaml: nmae: there is no such value: did you mean name?" in done.err
    assert not (tmp_path / "out").exists()


BAD_FILES = {
    "misspelled": ("nmae: x\n", "nmae: there is no such value: did you mean name?"),
    "misspelled deep": (
        "engine: {probes: {startup: {perodSeconds: 3}}}\n",
        "engine.probes.startup.perodSeconds: there is no such value: did you mean periodSeconds?",
    ),
    "python spelling": (
        "engine: {args: {gpu_memory_utilization: 0.8}}\n",
        "engine.args.gpu_memory_utilization: vLLM spells this gpu-memory-utilization",
    ),
    "text for a number": (
        'replicas: "2"\n',
        'replicas: must be a whole number, not "2": remove the quotes',
    ),
    "number for text": (
        "engine: {env: {A: 1}}\n",
        'engine.env.A: must be text, not 1: write "1", in quotes',
    ),
    "out of range": ("engine: {port: 70000}\n", "engine.port: must be at most 65535, not 70000"),
    "ambiguous": ("maas:\n  enabled: on\n", "maas.enabled: the unquoted `on` is a boolean to some"),
    "octal": ("replicas: 0755\n", "replicas: the unquoted `0755` is an octal number to some"),
    "template": ("name: {{ x }}\n", "name: values files are not templates: replace"),
    "template's control": ("{{- if x }}\nname: x\n{{- end }}\n", "values files are not templates"),
    "broken": ("a: [1,\n", "not a YAML document"),
    "not a mapping": ("- a\n", "the document must be a mapping of values"),
    "taken away": ("name: null\n", "name: null cannot remove this value"),
    "unknown flag": ("engine: {args: {max-num-sequences: 4}}\n", "did you mean max-num-seqs?"),
    "abbreviated flag": ("engine: {args: {max-num-seq: 4}}\n", "write max-num-seqs whole"),
    "rule": (
        "maas: {enabled: true, namespace: envoy-gateway-system}\n",
        "maas.namespace: in envoy-gateway-system, the gateway's policies",
    ),
}


@pytest.mark.parametrize(("content", "sentence"), BAD_FILES.values(), ids=list(BAD_FILES))
def test_a_bad_file_is_one_sentence_and_nothing_is_written(
    content: str, sentence: str, run: Run, tmp_path: Path
) -> None:
    file, target = tmp_path / "my.yaml", tmp_path / "manifest.yaml"
    file.write_text(content)
    target.write_text("what stood here before")
    done = run("render", file, "-o", target)
    assert done.code == 1
    assert done.out == ""
    assert sentence in done.err
    assert "Traceback" not in done.err
    assert target.read_text() == "what stood here before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.yaml", "my.yaml"]


DONE = "nothing was done: the values have 1 error"


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("render", "missing.yaml"), 1, "missing.yaml: cannot read this file: No such file"),
        (("render", "."), 1, ".: cannot read this file: Is a directory"),
        (("render", "--profile", "ascend-910b4-8-w4a9"), 1, "did you mean ascend-910b4-8-w4a8?"),
        (("render", "--set", "engine"), 1, "--set engine: engine has no value: write a.b=c"),
        (("render", "--set-json", "replicas={"), 1, "in single quotes"),
        (
            ("render", "--set", "replicas=0.5"),
            1,
            "use --set-json, because --set reads this as text",
        ),
        (("render", "-n", "Not A Namespace"), 1, "namespace"),
        (("render", "--each", "."), 2, "--each requires a folder to write to"),
        (("render", "--nmae", "x"), 2, "No such option"),
        (("rendr",), 2, "No such command 'rendr': did you mean render?"),
        (("nonsense",), 2, "No such command 'nonsense'.\n"),
        (("template", "x.yaml"), 2, "No such command 'template': did you mean render?"),
        (("validate",), 2, "did you mean check?"),
        (("install",), 2, "did you mean apply?"),
        (("plan-traffic",), 2, "did you mean plan traffic?"),
        (("keys", "rm", "x"), 2, "did you mean revoke?"),
        (("chart", "build"), 2, "did you mean package?"),
        (("profiles", "shw"), 2, "did you mean show?"),
        (
            ("profiles", "ascend-910b4-8-w4a8"),
            2,
            "did you mean `dsv4deploy profiles show ascend-910b4-8-w4a8`?",
        ),
        (("rules", "memory-tight"), 2, "did you mean `dsv4deploy rules show memory-tight`?"),
        (("render", "-o", ""), 2, "-o must be a file or a folder, not ''"),
        (("render", "-o", "json"), 2, "-o must be a file or a folder, not 'json'"),
        (("chart", "write", __file__), 2, "is a file"),
        (("chart", "check", __file__), 2, "is a file"),
        (("chart", "write", "/proc/nope"), 1, "cannot write: No such file"),
        (
            ("apply", "--contexts", ""),
            2,
            "must name at least one context; check whether a shell variable is empty",
        ),
        (
            ("apply", "--contexts", " , "),
            2,
            "must name at least one context; check whether a shell variable is empty",
        ),
        (("smoke", "--timeout", "0"), 2, "0.0 is not in the range 1<=x<=1000000"),
        (("render", "-n", ""), 1, "namespace '': must be at most 63 characters"),
        (("status", "-n", "A b"), 1, "namespace 'A b': must be at most 63 characters"),
        (("delete", "--name", "A b"), 1, 'name: "A b" must be lowercase letters'),
        (("render", "--set", "engine.port=8001", "--set", "engine.args.block-size=96"), 1, DONE),
        (("explain", "engine.prot"), 1, "engine.prot: there is no such value"),
        (("profiles", "show", "nope"), 1, "there is no profile with this name"),
        (("render", "-o", "/proc/nope/x.yaml"), 1, "/proc/nope/x.yaml: cannot write: No such"),
        (("render", "-o", "/proc/x.yaml"), 1, "/proc/x.yaml: cannot write: No such"),
    ],
)
def test_wrong_usage_is_one_sentence_and_an_exit_code(
    words: tuple[str, ...], code: int, sentence: str, run: Run
) -> None:
    done = run(*words)
    assert (done.code, done.out) == (code, "")
    assert sentence in done.err
    assert "Traceback" not in done.err


def test_check_prints_findings_or_json_and_its_exit_code_says_it_too(run: Run) -> None:
    quiet = tuple(word for each in WARNINGS for word in ("--ignore", each))
    assert run("check", *quiet) == Done(0, "", "no findings\n")
    bad = ("--set", "maas.enabled=true,maas.namespace=envoy-gateway-system")
    text = run("check", *bad)
    assert text.code == 1
    lines = text.out.splitlines()
    assert lines[0].startswith("error[maas-namespace] maas.namespace: in envoy-gateway-system, the")
    assert lines[1].startswith("  fix: set maas.namespace to a separate namespace")
    known = f"{len(WARNINGS)} known from {DEFAULT}"
    assert lines[-1] == f"1 error, 2 warnings from your values; {known}"
    findings = json.loads(run("check", *bad, *quiet, "-o", "json").out)
    assert [finding["severity"] for finding in findings] == ["error", "warning", "warning"]
    assert set(findings[0]) == {"code", "severity", "path", "message", "fix", "source"}
    assert run("check", "--set", "engine.port=8001").code == 0


def test_an_error_of_the_cluster_suggests_doctor_for_the_same_deployment(
    run: Run, serve: Serve, tmp_path: Path
) -> None:
    serve(refusal(404, "NotFound", "x"))
    place = ("--name", "chat", "-n", "a", "--kubeconfig", tmp_path / "kubeconfig")
    same = " ".join(map(str, place))
    done = run("delete", *place, "-y")
    assert f"(`dsv4deploy doctor {same}` shows which one)" in done.err
    # Doctor does not name itself.
    told = run("doctor", *place)
    assert "install the operator that provides it" in told.out
    assert "`dsv4deploy doctor" not in told.out + told.err


def test_what_the_profile_keeps_is_one_line_and_all_shows_it_with_the_reasons(run: Run) -> None:
    assert run("check").out.splitlines() == [
        f"{DEFAULT} keeps {len(WARNINGS)} warnings on purpose; --all shows them with the reasons",
        KNOWN,
    ]
    own = run("check", "--set", "engine.args.max-num-seqs=6", "--all").out
    assert own.startswith("warning[batch-off-grid] engine.args.max-num-seqs: ")
    for code, why in kept(DEFAULT).items():
        assert f"warning[{code}]" in own
        assert f"  kept by {DEFAULT}: {why}\n" in own
    assert own.endswith(f"1 warning from your values; {len(WARNINGS)} known from {DEFAULT}\n")


def test_a_value_of_one_s_own_is_no_value_of_the_profile(run: Run) -> None:
    # It moves as the profile's does, and the user has chosen it.
    image = "quay.io/ascend/vllm-ascend:nightly-releases-v0.22.1rc-a3-openeuler"
    assert "warning[moving-image-tag]" in run("check", "--set", f"engine.image={image}").out
    for name in profile_names():
        # No profile can name the user's registry.
        done = run("check", "--profile", name, "--set", "model.uri=oci://r.lan/weights:v1")
        assert "no findings from your values" in done.out
    told = run("check", "--profile", "ascend-a3-16-w8a8").out
    assert told.startswith("warning[placeholder] model.uri: ")


def test_render_counts_in_one_line_what_check_would_warn_of(run: Run) -> None:
    words = ("--set", "engine.args.max-num-seqs=6")
    told = run("check", *words).out.splitlines()[-1]
    shows = "`dsv4deploy check --set engine.args.max-num-seqs=6` shows them"
    assert run("render", *words).err == f"check: {told} ({shows})\n"


def test_a_suggested_command_names_the_deployment_that_the_user_named(
    run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "my values.yaml"
    file.write_text("engine: {env: {HF_TOKEN: a}}")
    words = ("--profile", "ascend-910b3-8-w8a8", "--set-string", "engine.env.API_KEY=x", "-n", "a")
    same = "--profile ascend-910b3-8-w8a8 --set-string 'engine.env.API_KEY=***' -n a"
    assert f"(`dsv4deploy check '{file}' {same}` shows them)" in run("render", file, *words).err
    tight = run("check", "--profile", "ascend-910b4-8-w4a8", "--all").out
    assert "`dsv4deploy plan --profile ascend-910b4-8-w4a8` shows the calculation" in tight
    wide = ("--set", "engine.args.max-num-batched-tokens=8192")
    done = run("render", *wide)
    assert "`dsv4deploy plan --set engine.args.max-num-batched-tokens=8192` shows" in done.err
    # An overlay's values are those of the base and its own.
    base = ("overlay", tmp_path / "out", "--base", file, "--cluster", "x")
    assert f"(`dsv4deploy check '{file}'` shows them)" in run(*base).err
    # A command for many deployments names none.
    done = run("render", "--each", tmp_path, "-o", tmp_path / "many", *wide)
    assert "`dsv4deploy plan` shows" in done.err


def test_a_suggested_command_finds_the_service_s_name_in_the_values() -> None:
    root = click.Context(cli)
    command = cli.get_command(root, "status")
    assert command
    with command.make_context("status", ["my.yaml"], root):
        remember()
        text = "`dsv4deploy history --name chat -n a` or `dsv4deploy rollback 1 --name chat -n a`"
        # `rollback` takes a revision where others take a values file.
        assert completed(text) == (
            "`dsv4deploy history -n a my.yaml` or `dsv4deploy rollback 1 --name chat -n a`"
        )


SUGGESTED = re.compile(r"`dsv4deploy ([a-z][^`{}]*)`")


def suggestions() -> list[str]:
    """The commands, with their words, that rules, known errors and messages suggest."""
    texts = [rule.fix for rule in RULES] + [entry.fix for entry in entries()]
    return sorted({found for text in texts for found in SUGGESTED.findall(text)} | {*VERBS})


def test_a_completed_suggestion_has_only_options_of_its_command() -> None:
    root = click.Context(cli, info_name="dsv4deploy")
    given = {
        "files": ("my.yaml",),
        "profile": "ascend-910b4-8-w4a8",
        "hardware": "910B4:8",
        "set": ("replicas=2",),
        "set_string": ("name=a",),
        "set_json": ("replicas=2",),
        "name": "a",
        "namespace": "b",
        "context": "c",
        "kubeconfig": "d",
    }
    for running in commands(cli):
        context = click.Context(running, parent=root)
        context.params = {str(each.name): given.get(str(each.name), ()) for each in running.params}
        with context:
            remember()
            for words in suggestions():
                told = shlex.split(completed(f"`dsv4deploy {words}`").strip("`"))[1:]
                command: click.Command | None = cli
                rest, lookup = told, click.Context(cli, resilient_parsing=True)
                while isinstance(command, click.Group) and rest and rest[0][0] != "-":
                    _, command, rest = command.resolve_command(lookup, rest)
                assert command, told
                options = {opt for each in command.params for opt in each.opts}
                named = {word.partition("=")[0] for word in rest if re.match("--?[a-z]", word)}
                assert named <= options, f"{running.name} suggests {' '.join(told)}"
                required = {max(each.opts) for each in command.params if each.required}
                written = re.findall("--[a-z-]+", words)
                assert not written or {*filter(_is_option, required)} <= named, told


def _is_option(word: str) -> bool:
    return word.startswith("-")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--hardware", "910B4"), {"ascend-910b4-8-w4a8", "ascend-910b4-8-w4a8-production"}),
        (("list", "--hardware", "Ascend910B3:16"), {"ascend-910b3-16-w8a8"}),
    ],
)
def test_profiles_are_listed_for_a_card(words: tuple[str, ...], named: set[str], run: Run) -> None:
    rows = run("profiles", *words).out.splitlines()[1:]
    assert {row.split()[0] for row in rows} == named


def test_profiles_for_a_card_without_any_name_the_nearest(run: Run) -> None:
    done = run("profiles", "--hardware", "910B1")
    assert (done.code, done.out) == (1, "")
    assert "no profile exists for 910B1; the nearest is ascend-910b3-" in done.err
    assert run("profiles", "--hardware", "910B4", "show", "x").code == 2


def test_profiles_are_listed_and_shown_with_sources(run: Run) -> None:
    listed = run("profiles").out
    assert all(name in listed for name in profile_names())
    assert run("profiles", "list", "-o", "json").code == 0
    for name in profile_names():
        shown = json.loads(run("profiles", "show", name, "-o", "json").out)
        assert all(entry["source"].startswith("[") for entry in shown["values"])
        assert run("profiles", "show", name, "-o", "yaml").out.startswith("# ")
        table = run("profiles", "show", name).out
        assert all(f"{entry['path']} = " in table for entry in shown["values"])
        assert all(f"keeps {code}: {text}" in table for code, text in shown["kept"].items())


@pytest.mark.parametrize(
    ("hardware", "profile"),
    [
        ("910B4:8", "ascend-910b4-8-w4a8"),
        ("910b3:16", "ascend-910b3-16-w8a8"),
    ],
)
def test_hardware_chooses_the_profile_that_fits(hardware: str, profile: str, run: Run) -> None:
    assert run("render", "--hardware", hardware).out == run("render", "--profile", profile).out


def test_hardware_that_no_profile_fits_gets_the_nearest_with_reasons(run: Run) -> None:
    done = run("render", "--hardware", "910B4:4")
    assert (done.code, done.out) == (1, "")
    assert "no profile exists for 4 × 910B4; the nearest is ascend-910b4-8-w4a8" in done.err
    assert "with parallelism for 4 NPUs instead of 8" in done.err
    several = run("render", "--hardware", "A3:16")
    assert "several profiles match; select one with --profile: ascend-a3-16-w8a8 (up" in several.err
    die = run("render", "--hardware", "Ascend910_9391:16")
    assert die.err.partition(": ")[2] == several.err.partition(": ")[2]
    assert run("render", "--hardware", "many").code == 1
    assert "there is no card V100: there are 910B1" in run("render", "--hardware", "V100:8").err


@pytest.mark.parametrize(
    ("hardware", "profile", "card"),
    [
        ("910B2:8", "ascend-910b3-8-w8a8", "910B2"),
        ("Ascend910B2C:8", "ascend-910b3-8-w8a8", "910B2C"),
        ("910B1:16", "ascend-910b3-16-w8a8", "910B1"),
        ("910B4-1:8", "ascend-910b3-8-w8a8", "910B4-1"),
    ],
)
def test_a_64_gb_card_without_a_profile_takes_that_of_another_with_its_own_name(
    hardware: str, profile: str, card: str, run: Run
) -> None:
    done = run("check", "--hardware", hardware)
    options = f"--profile {profile} --set npu.card={card}"
    assert f"(64 GB per NPU, like the profile's cards): use {options}; " in done.err
    assert f"`dsv4deploy check {options}` shows the other required changes" in done.err
    assert run("check", "--profile", profile, "--set", f"npu.card={card}").code == 0


def test_another_family_of_chips_needs_another_image(run: Run) -> None:
    done = run("check", "--profile", "ascend-910b3-8-w8a8", "--set", "npu.card=950DT", "-o", "json")
    assert "image-for-other-chip" in {found["code"] for found in json.loads(done.out)}
    assert run("render", "--hardware", "910B4:8", "--profile", "x").code == 2


def test_every_value_is_explained_with_what_it_becomes(run: Run) -> None:
    for path, entry in documentation().items():
        text = run("explain", path).out
        assert path in text
        assert entry.meaning, f"{path} has no sentence"
        if not entry.section and path not in ("enabled", "engine.build", "global", "tags"):
            assert entry.becomes, f"{path} does not say what it becomes"
    assert len(run("explain").out.splitlines()) == len(documentation())
    for path in ("engine.env", "npu.nodeSelector"):
        assert run("explain", f"{path}.any/key.or.more") == run("explain", path)
    assert "--quantization" in run("explain", "engine.args.quantization").out


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("npu.nodeSelector", '{"node.kubernetes.io/npu.chip.name":"910B4"}'),
        ("npu.nodeSelector.node.kubernetes.io/npu.chip.name", '"910B4"'),
        ("LD_PRELOAD", '"/usr/lib64/libjemalloc.so.2"'),
        ("VLLM_USE_V1", "not set"),
        ("--chat-template", "not set"),
        ("engine.args.gpu-memory-utilization", "0.87"),
        ("maas.quotas.hour.unit", '"Hour"'),
    ],
)
def test_explain_shows_the_value_of_a_profile(path: str, value: str, run: Run) -> None:
    profile = "ascend-910b4-8-w4a8-production"
    told = run("explain", "--profile", profile, path).out
    assert f"\n  profile  {value} ({profile})\n" in told
    assert "\n  profile " not in run("explain", path).out


def test_what_is_in_a_map_s_entry_is_explained(run: Run) -> None:
    told = run("explain", "maas.quotas.hour.tokens").out
    assert told.startswith("maas.quotas.hour.tokens\nThe budget.")
    assert "limit.requests of a rate limit rule" in told
    assert "default" not in told
    unit = run("explain", "maas.tiers.gold.quotas.day.unit").out
    assert "one of Second, Minute, Hour, Day" in unit


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("--max-num-seqs", "engine.args.max-num-seqs"),
        ("--max-num-seqs=8", "engine.args.max-num-seqs"),
        ("max_num_seqs", "engine.args.max-num-seqs"),
        ("engine.args.max_num_seqs", "engine.args.max-num-seqs"),
        ("--no-enable-prefix-caching", "engine.args.enable-prefix-caching"),
        ("--seed", "engine.args.seed"),
        ("HCCL_BUFFSIZE", "engine.env"),
    ],
)
def test_a_flag_or_a_variable_is_explained_by_its_own_spelling(
    words: str, path: str, run: Run
) -> None:
    assert run("explain", words).out.splitlines()[0] == path


def test_a_section_is_explained_with_the_summaries_of_its_values(run: Run) -> None:
    told = run("explain", "maas.gateway").out
    assert re.search(r"^  maas\.gateway\.port  +The port of the HTTP listener$", told, re.MULTILINE)


def test_a_word_lists_the_values_that_mention_it(run: Run) -> None:
    told = run("explain", "timeout").out
    assert told.startswith('There is no value "timeout". These mention it:\n')
    assert {"maas.requestTimeout", "engine.args.shutdown-timeout"} <= {*told.split()}
    assert "maas.requestTimeout" in run("explain", "stream request").out
    assert "engine.probes" not in run("explain", "stream request").out
    assert run("explain", "penguins").code == 1


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("profile", "name it with the option --profile NAME"),
        ("engine.envFrom", "set each variable in engine.env, such as `HF_TOKEN: {secretKeyRef"),
        ("envFromSecret", "set each variable in engine.env"),
        ("engine.envFromPods", "did you mean engine.envFromPod?"),
    ],
)
def test_explain_names_what_to_write_instead_of_a_value_that_does_not_exist(
    path: str, told: str, run: Run
) -> None:
    done = run("explain", path)
    assert told in done.out + done.err


def test_what_belongs_elsewhere_on_the_command_line_is_named(run: Run) -> None:
    done = run("render", "-f", "my-values.yaml")
    assert (done.code, "'-f': name the values file alone" in done.err) == (2, True)
    done = run("check", DEFAULT)
    assert done.code == 1
    assert f"there is no such file: name a profile with --profile {DEFAULT}" in done.err


def test_an_unknown_value_names_the_three_nearest(run: Run) -> None:
    done = run("explain", "prefix.caching")
    assert done.err.count(",") == 2
    assert "there is no such value: the nearest are " in done.err


def test_images_are_listed_mapped_and_copied(run: Run, tmp_path: Path) -> None:
    listed = run("images").out.splitlines()
    assert len(listed) == 4
    site = ("--registry-map", "quay.io=r/q", "--registry-map", "docker.io=r/d")
    site += ("--registry-map", "build-harbor.alauda.cn/=r/a/")
    (tmp_path / "site.yaml").write_text(run("images", *site, "-o", "values").out)
    for path in ("engine.imagePullSecrets", "router.imagePullSecrets"):
        assert path in (tmp_path / "site.yaml").read_text().partition("engine:")[0]
    again = run("images", tmp_path / "site.yaml").out.splitlines()
    assert again == run("images", *site).out.splitlines()
    copies = run("images", *site, "-o", "skopeo").out.splitlines()
    pairs = [
        f"skopeo copy --all docker://{a} docker://{b}" for a, b in zip(listed, again, strict=True)
    ]
    assert copies == pairs
    assert run("images", "--registry-map", "quay.io").code == 2
    scheme = run("images", "--registry-map", "quay.io=https://r.lan/q")
    assert (scheme.code, "has no scheme such as https://" in scheme.err) == (2, True)
    assert run("images", "-o", "skopeo").code == 2
    assert run("images", "--registry-map", "quay.io=r").code == 1


def test_the_help_of_images_has_an_example_that_works(run: Run) -> None:
    text = run("images", "--help").out.replace("\\\n", "")
    (example,) = re.findall(r"dsv4deploy (images .*--registry-map.*) > site\.yaml", text)
    assert run(*example.split()).code == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str, run: Run) -> None:
    assert "_DSV4DEPLOY_COMPLETE" in run("completion", shell).out


def test_every_command_has_help_that_teaches(run: Run) -> None:
    for words in ((), ("render",), ("check",), ("profiles",), ("explain",), ("completion",)):
        done = run(*words, "--help")
        assert (done.code, done.err) == (0, "")
        assert len(done.out.splitlines()) > 5
        assert "\b" not in done.out
        assert "\\b" not in done.out


def test_the_list_of_verbs_has_the_first_sentence_of_each() -> None:
    context = click.Context(cli)
    for name, sentence in VERBS.items():
        command = cli.get_command(context, name)
        assert command
        assert (command.name, command.get_short_help_str(120)) == (name, sentence)
    # The module of `import` has another name: Python keeps the word for itself.
    modules = {
        path.stem.rstrip("_").replace("_", " ")
        for path in Path(cli_package.__file__).parent.glob("[!_]*.py")
    }
    assert modules - set(VERBS) == {"connection", "options", "output", "suggested"}
    assert list(VERBS) == sorted(VERBS)
    assert sorted(name for names in TASKS.values() for name in names) == list(VERBS)


def commands(command: click.Command) -> list[click.Command]:
    """The commands that do something, this one or those below it."""
    if not isinstance(command, click.Group):
        return [command]
    context = click.Context(command)
    below = [command.get_command(context, name) for name in command.list_commands(context)]
    return [found for each in below if each for found in commands(each)]


def test_every_option_has_a_sentence_of_its_own() -> None:
    for command in commands(cli):
        for option in command.params:
            if isinstance(option, click.Option):
                assert re.fullmatch(r"[A-Z].* .*\.", option.help or ""), (command.name, option.name)


@pytest.mark.parametrize("words", [(), ("keys",), ("bench",), ("chart",), ("rules",)])
def test_help_shows_every_summary_whole(
    words: tuple[str, ...], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told = run(*words, "--help").out
    assert re.findall(r"\S*\.\.\.", told) == ["[ARGS]..."]
    for sentence in VERBS.values() if not words else ():
        assert sentence in " ".join(told.split())


def test_help_of_a_namespace_says_where_it_comes_from(run: Run) -> None:
    for verb in ("render", "check", "plan", "images"):
        told = " ".join(run(verb, "--help").out.split())
        assert "by default, demo, because this command does not read the kubeconfig" in told
    for verb in ("apply", "delete", "diff", "doctor", "history", "rollback", "smoke", "status"):
        told = " ".join(run(verb, "--help").out.split())
        assert "by default, the context's namespace, or demo if it has none" in told


def test_a_values_file_of_dash_is_stdin() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dsv4deploy", "render", "-", "--set", "replicas=2"],
        input="name: chat\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert list(yaml.safe_load_all(done.stdout)) == render(load({"name": "chat", "replicas": 2}))
    bad = subprocess.run(
        [sys.executable, "-m", "dsv4deploy", "check", "-"],
        input="nmae: chat\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (bad.returncode, bad.stderr) == (
        1,
        "stdin: nmae: there is no such value: did you mean name?\n",
    )


@pytest.mark.parametrize(("text", "seconds"), [("300", 300), ("5m", 300), ("1h30m", 5400)])
def test_a_duration_is_seconds_or_as_go_writes_it(text: str, seconds: float) -> None:
    assert Seconds(1).convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["5x", "m", "5m3", "0", "1..2s", "-5m", "nan"])
def test_what_is_no_duration_is_a_usage_error(text: str, run: Run) -> None:
    done = run("smoke", "--timeout", text)
    assert done.code == 2
    assert "Invalid value" in done.err


@pytest.mark.parametrize(
    ("text", "gib"), [("29", 29), ("29.5", 29.5), ("29Gi", 29), ("30G", 27.94)]
)
def test_memory_is_gib_or_as_kubernetes_writes_it(text: str, gib: float) -> None:
    assert Gibibytes(1, 1024).convert(text, None, None) == pytest.approx(gib, abs=0.01)


def test_a_folder_is_told_what_was_written_to_it(run: Run, tmp_path: Path) -> None:
    done = run("render", "-o", f"{tmp_path}/parts/")
    assert f"2 objects written to {tmp_path}/parts/, one file per object\n" in done.err


def test_delete_of_nothing_names_what_was_looked_for_and_where(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig, values = tmp_path / "kubeconfig", tmp_path / "my-values.yaml"
    context = "{name: site-a, context: {cluster: c, user: u, namespace: demo}}"
    kubeconfig.write_text(f"contexts: [{context}]\ncurrent-context: site-a\n")
    values.write_text("name: chat\n")
    monkeypatch.setattr(Cluster, "connect", lambda *_: FakeCluster(started()))
    done = run("delete", values, "--yes", "--kubeconfig", kubeconfig)
    assert done.code == 1
    assert done.err.startswith(
        "nothing to delete: namespace demo of context site-a has no revisions and no objects of "
        "service chat; select another service"
    )
    assert "nothing has been changed" in done.err


def test_chart_check_without_a_chart_is_one_sentence(run: Run, tmp_path: Path) -> None:
    done, folder = run("chart", "check", tmp_path / "none"), f"{tmp_path}/none"
    told = f"{folder}: there is no chart in this folder; "
    assert (done.code, done.err) == (1, f"{told}`dsv4deploy chart write {folder}` writes one\n")


@pytest.mark.parametrize("verb", ["status", "history", "delete", "rollback"])
def test_a_verb_that_needs_a_name_takes_it_from_a_profile(
    verb: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cluster, "connect", lambda *_: FakeCluster(started()))
    found = [
        run(verb, *words, "-n", "demo")
        for words in (("--profile", "ascend-910b3-16-w8a8"), ("--hardware", "910B3:16"))
    ]
    assert found[0] == found[1]
    assert found[0] != run(verb, "-n", "demo") or verb == "history"


def test_where_many_go_the_summary_has_their_urls(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text("{name: a, router: {inline: true}}")
    cluster = FakeCluster(started())
    monkeypatch.setattr(Cluster, "connect", lambda *_: cluster)
    rows = json.loads(run("apply", "--each", tmp_path, "-n", "demo", "-o", "json").out)
    assert "; kserve ingress unknown: " in rows[0]["message"]
    monkeypatch.setattr("dsv4deploy.cli.upgrade.waiting", lambda *_: lambda _: "ready")
    for words in (("upgrade", tmp_path / "a.yaml"), ("rollback", tmp_path / "a.yaml", "1")):
        done = run(*words, "-n", "demo", "--yes")
        assert "the URL of the kserve ingress is unknown: " in done.err, done.err


def test_nothing_waits_before_the_cluster_has_answered(run: Run, tmp_path: Path) -> None:
    done = run("apply", "--wait", "--kubeconfig", tmp_path / "none")
    assert done.code == 1
    assert "waiting" not in done.err


def test_several_clients_are_one_word(run: Run) -> None:
    done = run("keys", "create", "alice", "bob")
    assert "if bob is a client, separate clients with commas: alice,bob" in done.err
    assert done.code == 2


def test_a_plan_counts_requests_of_a_length(run: Run) -> None:
    told = run("plan", "--request", "8K").out
    assert "Of requests with 8192 tokens, prompt and answer, the cache holds " in told
    known = json.loads(run("plan", "--request", "32K", "-o", "json").out)
    assert known["requests_at_once"] == known["likely"]["requests"]
    longer = run("plan", "--request", "1M").out
    assert "holds 0 at once: vLLM rejects requests longer than max-model-len, 32768." in longer
    assert run("plan", "--request", "many").code == 2


def test_a_revision_and_files_name_what_rollback_goes_back_to(run: Run, tmp_path: Path) -> None:
    assert "pass a single revision" in run("rollback", "1", "2").err
    assert run("rollback", "0").code == 2
    done = run("rollback", tmp_path / "none.yaml", "3")
    assert f"{tmp_path}/none.yaml: cannot read this file" in done.err


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("dsv4deploy ren", "render"),
        ("dsv4deploy render --profile ascend-910b3-16", "ascend-910b3-16-w8a8"),
        ("dsv4deploy check --ignore dsa-cp-c", "dsa-cp-crashes"),
        ("dsv4deploy explain engine.args.max-num-s", "engine.args.max-num-seqs"),
        ("dsv4deploy render --set maas.gateway.po", "maas.gateway.port="),
        ("dsv4deploy check --set replicas=2,engine.por", "replicas=2,engine.port="),
        ("dsv4deploy keys cr", "create"),
        ("dsv4deploy --vers", "--version"),
    ],
)
def test_a_shell_completes_verbs_options_and_words(
    words: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    completed = BashComplete(cli, {}, "dsv4deploy", "_DSV4DEPLOY_COMPLETE").complete()
    assert completed == f"plain,{found}"


def test_the_version_is_the_package_s(run: Run) -> None:
    assert run("--version").out.endswith(f", version {__version__}\n")


@pytest.mark.parametrize("words", ["render", "rules list", "why -", "explain"])
def test_a_reader_that_leaves_early_is_no_failure(words: str) -> None:
    # Nobody reads when the verb writes: the other end of its pipe is closed from the beginning.
    command = f"exec 3> >(exec <&-); sleep 0.2; {sys.executable} -m dsv4deploy {words} >&3"
    done = subprocess.run(
        ["bash", "-c", command],
        input=f"no healthy upstream {'x' * 100_000}",
        text=True,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("char", ["\x1b", "\x07", "\x08", "\x7f", "\x9b", "\u202e", "\udc9b"])
def test_no_control_character_reaches_the_terminal(char: str, run: Run) -> None:
    text = f"no healthy upstream {char}]0;owned"
    name = f"{char}.yaml"
    done = [
        *(run("why", text, "-o", output) for output in ("table", "json")),
        run("render", "--set", f"engine.env.{char}=x"),
        run("render", f"missing{name}"),
        run("rules", "show", char),
        run(char),
        run("plan", "-o", char),
        run("bench", "report", f"missing{char}"),
    ]
    escaped = f"\\u{ord(char):04x}"
    # Half a character is no byte of a log: it is read as U+FFFD.
    assert escaped in done[0].out or "\ufffd" in done[0].out
    assert json.loads(done[1].out)[0]["line"].startswith("no healthy upstream")
    for each in done:
        assert char not in each.out + each.err
        assert each.out + each.err


def test_check_leaves_a_warning_out_and_never_an_error(run: Run) -> None:
    assert "unread-variable" in run("check", "--all").out
    done = run("check", "--all", "--ignore", "unread-variable")
    assert (done.code, "unread-variable" in done.out) == (0, False)
    refused = run("check", "--ignore", "block-size")
    assert (refused.code, refused.out) == (1, "")
    assert "an error cannot be ignored" in refused.err


def test_rules_are_listed_and_explained(run: Run) -> None:
    assert "dsa-cp-crashes" in run("rules").out
    assert len(json.loads(run("rules", "list", "-o", "json").out)) >= 30
    assert "dsv4deploy doctor" in run("rules", "show", "taints").out
    assert "dsv4deploy check --crds" in run("rules", "show", "crd-schema").out
    told = run("rules", "show", "dsa-cp-crashes").out
    assert "nightly-releases-v0.22.1rc" in told
    assert "Alauda AI documentation" in told
    assert "did you mean" in run("rules", "show", "dsa-cp-crash").err


def test_plan_says_what_fits_and_by_what_it_is_bound(run: Run, tmp_path: Path) -> None:
    done = run("plan", "--svg", tmp_path / "card.svg")
    assert done.code == 0
    assert "the limit is max-num-batched-tokens" in done.out
    assert done.out.rstrip().endswith("910B4 at 0.9: tight")
    assert "<svg" in (tmp_path / "card.svg").read_text("utf-8")
    data = json.loads(run("plan", "--set", "npu.card=910B4-1", "-o", "json").out)
    assert (data["verdict"], data["memory"]["provenance"]) == ("fits", "measured")


def test_plan_exits_with_1_where_it_does_not_fit(run: Run) -> None:
    done = run("plan", "--set", "model.quantization=w8a8")
    assert done.code == 1
    assert done.out.rstrip().endswith("does not fit")
    assert "max-num-seqs none, max-model-len none." in done.out


def test_plan_takes_a_measured_card_and_a_log(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    log.write_text("Loading model weights took 19.61 GB\nAvailable KV cache memory: 4.31 GiB\n")
    data = json.loads(run("plan", "--calibrate", log, "--memory", "31", "-o", "json").out)
    assert data["likely"]["available"] == pytest.approx(4.31)
    assert data["memory"]["likely"] == 31
    log.write_text("nothing")
    assert "pass the engine's log from its first line" in run("plan", "--calibrate", log).err


def test_a_question_that_nobody_can_answer_asks_for_yes(tmp_path: Path) -> None:
    def typed(answer: str) -> subprocess.CompletedProcess[str]:
        code = "from dsv4deploy.cli import cli, main, output; import sys\n"
        code += "cli.command('ask')(lambda: sys.exit(not output.confirmed('Continue?')))\n"
        code += "main()"
        return subprocess.run(
            [sys.executable, "-c", code, "ask"],
            input=answer,
            capture_output=True,
            text=True,
            check=False,
        )

    assert (typed("y\n").returncode, typed("n\n").returncode) == (0, 1)
    done = typed("")
    assert done.returncode == 1
    assert "cannot ask for confirmation without a terminal; pass --yes" in done.stderr


def test_a_fleet_s_files_are_services_of_their_own(run: Run, tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml"):
        (tmp_path / name).write_text("name: chat\n")
    done = run("apply", "--each", tmp_path, "--kubeconfig", tmp_path / "none", "-n", "prod")
    assert done.code == 1
    assert "b.yml: is the same service as a.yaml: prod chat" in done.err
    assert "nothing was applied: 1 of 2 deployments have errors" in done.err


def test_contexts_may_have_blanks_and_a_comma_at_the_end(run: Run, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "contexts:\n- {name: a, context: {cluster: c, user: u}}\n"
        "- {name: b, context: {cluster: c, user: u}}\n"
    )
    done = run("apply", "--contexts", "a, b,", "--kubeconfig", kubeconfig, "-o", "json")
    assert [each["target"] for each in json.loads(done.out)] == ["a", "b"]
    assert done.code == 1  # neither leads to a cluster


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), "n"),
        (("--context", "b"), "n"),
        (("--context", "a"), "demo"),
        (("-n", "own", "--context", "b"), "own"),
    ],
)
def test_a_namespace_is_the_context_s_own_unless_it_is_named(
    tmp_path: Path, words: tuple[str, ...], found: str
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "contexts:\n- {name: a, context: {cluster: c, user: u}}\n"
        "- {name: b, context: {cluster: c, user: u, namespace: n}}\n"
        "current-context: b\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\n"
        "users: [{name: u, user: {token: t}}]\n"
    )
    told: list[str] = []

    @click.command()
    @placed_options
    @cluster_options
    def verb(deployment: DeploymentOptions, cluster: ClusterOptions) -> None:
        told.append(cluster.release(deployment.namespace).namespace)
        # Of a fleet, each context has its own, whatever the current one's is.
        told.append(replace(cluster, context="a").release(deployment.namespace).namespace)

    verb.main([*words, "--kubeconfig", str(kubeconfig)], standalone_mode=False)
    assert told == [found, "own" if "-n" in words else "demo"]


@pytest.mark.parametrize(
    "words",
    [
        *(("plan", "--memory", text) for text in ("nan", "inf", "-inf", "1e400", "²")),
        *(("smoke", "--timeout", text) for text in ("nan", "inf", "1e300")),
        *(("apply", "--timeout", text) for text in ("nan", "1e300")),
        ("bench", "simulate", "--slower", "nan"),
        ("bench", "dataset", "--size", "nan"),
    ],
)
def test_a_number_is_finite(words: tuple[str, ...], run: Run) -> None:
    done = run(*words)
    assert done.code == 2
    assert "Invalid value" in done.err


def test_json_holds_no_number_that_json_does_not_have(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [float("nan"), 1.5], "b": (float("inf"), {"c": float("-inf")})})
    assert json.loads(capsys.readouterr().out) == {"a": [None, 1.5], "b": [None, {"c": None}]}


@pytest.mark.parametrize("encoding", ["gbk", "cp1252", "latin-1", "ascii"])
def test_stdout_is_utf8_whatever_the_locale(encoding: str, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("model: {name: 日本 é 😀}\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "dsv4deploy", "render", values],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        check=True,
    )
    assert "日本 é 😀" in done.stdout.decode()


def test_words_that_are_not_utf8_are_named(run: Run) -> None:
    done = run("render", "--set", "model.name=\udcff")
    assert done.code == 1
    assert "not UTF-8 text" in done.err
    assert run("render", "--name", "\udcff").code == 1
    assert run("render", "no-such-\udcff.yaml").code == 1


def test_a_manifest_that_is_not_utf8_differs_from_the_base(run: Run, tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "manifest.yaml").write_bytes(b"\xff\xfe")
    done = run("overlay", tmp_path, "--cluster", "a")
    assert done.code == 1
    assert "manifest.yaml: was written with other values" in done.err


def test_no_endless_file_is_read(run: Run) -> None:
    assert "more than 4 MiB: this is not a values file" in run("render", "/dev/zero").err
