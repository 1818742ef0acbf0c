"""The benchmark says what it measured, in the words that were agreed, and measures the same thing for everyone."""

import json
import statistics
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from devices import DEVICES

from core.__main__ import main
from core.bench.report import save, scaling_figure, size_of
from core.bench.step import OURS, StepSize, compare_scaling, compare_step, contestant, fits, installed, machine, measure
from core.circuit.simulator import ENGINES, expval

ROOT = Path(__file__).resolve().parents[2]
TINY = ["--n-qubits=2", "--q-depth=1", "--batch-size=2", "--n-features=8", "--rounds=3", "--seconds=0.05", "--json"]
NAMED = [
    "ms",
    "classical_ms",
    "ratio_to_classical",
    "speedup_over_pennylane_loop",
    "speedup_over_pennylane_broadcast",
    "members_32_over_1",
    "members_32_ratio_to_classical",
]


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def last_line(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_step_prints_the_named_numbers(capsys):
    assert main(["bench", "step", "--against", "pennylane_loop,pennylane_broadcast", *TINY]) == 0
    result = last_line(capsys)
    assert all(result[name] > 0 for name in NAMED)
    assert (result["n_qubits"], result["q_depth"], result["batch_size"], result["members"]) == (2, 1, 2, 1)
    times = {(row["name"], row["members"]): row["ms"] for row in result["contestants"]}
    assert all(ms > 0 for ms in times.values())
    assert result["ms"] == times["ours", 1]
    assert result["classical_ms"] == times["classical", 1]
    assert result["members_32_over_1"] == pytest.approx(times["ours", 32] / times["ours", 1], rel=1e-2)
    assert result["machine"]["versions"]["torch"] == torch.__version__.partition("+")[0]


@pytest.mark.parametrize("name", ENGINES)
def test_a_step_runs_in_the_engine_that_is_named(name, capsys, tmp_path, monkeypatch):
    used = set()
    for other, engine in ENGINES.items():

        def forward(self, inputs, weights, other=other, run=engine.forward):
            used.add(other)
            return run(self, inputs, weights)

        monkeypatch.setattr(engine, "forward", forward)
    assert main(["bench", "step", "--against", "none", "--engine", name, *TINY]) == 0
    result = last_line(capsys)
    assert used == {name}
    assert result["engine"] == name
    saved = save("step", result, tmp_path).read_text(encoding="utf-8")
    assert f"--n-features 8 --engine {name} --save" in saved
    assert f"2 qubits, depth 1, batch 2, one member, 8 features, {name} |" in saved


def test_without_a_name_the_cheapest_engine_runs_a_step():
    assert StepSize().chosen_engine == "phase_form"
    assert StepSize(n_qubits=12, batch_size=32).chosen_engine == "split_state"
    assert StepSize(engine="gate_by_gate").chosen_engine == "gate_by_gate"


def test_steps_on_a_gpu_have_a_table_of_their_own(capsys, tmp_path):
    assert main(["bench", "step", "--against", "none", *TINY]) == 0
    on_cpu = last_line(capsys)
    assert on_cpu["device"] == "cpu"
    assert on_cpu["speedup_over_cpu"] is None
    save("step", on_cpu, tmp_path)
    assert "One step on a GPU" not in save("step", on_cpu, tmp_path / "alone").read_text(encoding="utf-8")
    on_gpu = on_cpu | {"device": "cuda", "speedup_over_cpu": 12.5, "machine": on_cpu["machine"] | {"gpu": "A GPU"}}
    first, second = save("step", on_gpu, tmp_path).read_text(encoding="utf-8").split("## One step on a GPU")
    assert "cuda" not in first
    assert "A GPU" not in first
    assert "times faster than on the same machine" not in first
    assert "A GPU; " in second
    assert "2 qubits, depth 1, batch 2, one member, 8 features, cuda |" in second
    assert "| times faster than on the same machine's processor, our step | 12.5 |" in second
    assert "--n-features 8 --device cuda --save" in second


@pytest.mark.parametrize("device", DEVICES)
def test_every_contestant_of_a_gpu_computes_the_same(device):
    size = StepSize(n_qubits=2, q_depth=1, batch_size=2, n_features=4, device=device)
    entries = [(name, size) for name in (*OURS, "ours_on_cpu")]
    assert set(measure(entries, rounds=3, seconds=0.05)) == set(entries)


def test_a_gpu_is_compared_with_the_processor(monkeypatch):
    size = StepSize(n_qubits=2, q_depth=1, members=32, device="cuda")

    def by_name(entries, rounds, seconds):
        return {entry: {"ours": 2.0, "ours_on_cpu": 30.0}.get(entry[0], 4.0) for entry in entries}

    monkeypatch.setattr("core.bench.step.measure", by_name)
    result = compare_step(size, [*OURS, "ours_on_cpu"])
    assert result["speedup_over_cpu"] == 15
    assert result["fastest_peer"] is None
    monkeypatch.setattr(
        "core.bench.step.measure",
        lambda *given: {entry: ms for entry, ms in by_name(*given).items() if entry[0] != "ours_on_cpu"},
    )
    assert compare_step(size, [*OURS, "ours_on_cpu"])["speedup_over_cpu"] is None, "too slow to be measured"


def test_a_device_is_checked(capsys):
    assert main(["bench", "step", "--device", "gpu"]) == 2
    assert "device = 'gpu' is not possible: use cpu, or cuda for a GPU" in capsys.readouterr().err
    assert main(["bench", "step", "--device", f"cuda:{torch.cuda.device_count()}"]) == 2
    assert "on the machine that trains" in capsys.readouterr().err
    assert main(["bench", "step", "--device", "cuda", "--against", "pennylane_loop"]) == 2
    assert "against = pennylane_loop is not possible on cuda" in capsys.readouterr().err
    assert main(["bench", "run", "--device", "cuda"]) == 2
    assert "device = cuda is not possible with run" in capsys.readouterr().err


def test_speedups_are_per_seed(capsys):
    assert main(["bench", "step", "--against", "pennylane_broadcast", "--members", "3", *TINY]) == 0
    result = last_line(capsys)
    times = {(row["name"], row["members"]): row["ms"] for row in result["contestants"]}
    per_seed = 3 * times["pennylane_broadcast", 1] / times["ours", 3]
    assert result["speedup_over_pennylane_broadcast"] == pytest.approx(per_seed, rel=1e-2)
    assert result["speedup_over_pennylane_loop"] is None


@pytest.mark.parametrize("name", ["module", "module_fused", "expval_fused", *installed()])
def test_contestants_train_alike(name):
    """After five steps every contestant's loss is that of our own training step."""
    size = StepSize(n_qubits=3, q_depth=2, batch_size=3, n_features=4)
    reference, other = contestant(size, "ours"), contestant(size, name)
    for _ in range(5):
        logits, loss = reference(), other()
    labels = size.data()[1]
    expected = torch.nn.functional.cross_entropy(logits[0], labels[0])
    assert float(loss) == pytest.approx(expected.item(), abs=2e-5)


@pytest.mark.parametrize("members", [1, 4])
@pytest.mark.parametrize("name", ["classical", "classical_fused"])
def test_the_classical_twins_train_alike(name, members):
    size = StepSize(n_qubits=3, batch_size=3, n_features=4, members=members)
    reference, other = contestant(size, "classical_ours"), contestant(size, name)
    for _ in range(5):
        logits, loss = reference(), other()
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), size.data()[1].flatten())
    assert float(loss) == pytest.approx(expected.item(), abs=2e-5)


def test_a_contestant_that_computes_something_else_is_not_timed(monkeypatch):
    size = StepSize(n_qubits=2, q_depth=1, batch_size=2, n_features=4)
    entries = [("ours", size), ("expval_fused", size)]
    assert set(measure(entries, rounds=3, seconds=0.05)) == set(entries)
    monkeypatch.setattr("core.bench.step.expval", lambda *given: expval(*given) + 1)
    with pytest.raises(RuntimeError, match="expval_fused computes a loss"):
        measure(entries, rounds=3, seconds=0.05)


def test_libraries_that_would_need_too_much_memory_are_left_out():
    size = StepSize(n_qubits=12, batch_size=32)
    assert fits(size, "ours")
    assert fits(size, "pennylane_broadcast")
    assert not fits(size, "qandle")
    assert not fits(replace(size, n_qubits=4, members=2), "pennylane_broadcast")


def test_scaling_is_measured_stored_and_drawn(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path))
    figure = tmp_path / "scaling.html"
    arguments = ["--axes", "qubits", "--max-qubits", "4", "--seconds", "0.05", "--against", "none"]
    assert main(["bench", "scaling", *arguments, "--save", "--figure", str(figure), "--json"]) == 0
    rows = last_line(capsys)["rows"]
    assert {(row["n_qubits"], row["name"]) for row in rows} == {
        (n, name) for n in (2, 4) for name in ("ours", "classical")
    }
    assert "plotly" in figure.read_text(encoding="utf-8")
    stored = json.loads((tmp_path / "benchmarks" / "scaling.json").read_text(encoding="utf-8"))
    assert stored["rows"] == rows
    table = (tmp_path / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert "| 2 | 4 |" in table
    assert "bench scaling" in table
    drawn = scaling_figure(rows)
    assert {trace.name for trace in drawn.data} == {
        "this laboratory, training step",
        "classical twin, plain torch, Adam",
    }


def test_scaling_goes_on_where_the_form_ends():
    rows = compare_scaling(["qubits"], ["ours"], max_qubits=14, seconds=0.01, limit=20.0)
    assert [row["n_qubits"] for row in rows] == [2, 4, 6, 8, 10, 12, 14]


def test_scaling_drops_a_contestant_that_has_become_too_slow():
    rows = list(compare_scaling(["qubits"], ["ours", "classical"], max_qubits=6, seconds=0.05, limit=0.0))
    assert rows == []


def test_a_profile_counts_the_arithmetic_of_a_step(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path))
    size = ["--n-qubits", "8", "--q-depth", "1", "--batch-size", "512", "--n-features", "64"]
    assert main(["bench", "profile", "--save", "--json", *size]) == 0
    result = last_line(capsys)
    dense = 2 * 512 * (2 * 64 * 8 + 3 * 8 * 2)  # forward and weights of 64 → 8; forward, inputs and weights of 8 → 2
    layer = 2 * 3 * 512 * 2 * 256 * 16  # two groups: state, adjoint and Γ, each 16 products for every amplitude
    assert dense + layer < result["flops"] < 1.5 * (dense + layer)
    assert result["least_ms"] == pytest.approx(result["flops"] / result["large_product_gflops"] / 1e6, rel=1e-2)
    assert {operation["name"]: operation["calls"] for operation in result["operations"]}["bmm"] >= 6
    table = (tmp_path / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert "8 qubits, depth 1, batch 512, one member" in table
    assert "bench profile --n-qubits 8" in table


def test_the_readme_quotes_the_stored_measurement():
    steps = json.loads((ROOT / "results" / "benchmarks" / "step.json").read_text(encoding="utf-8"))["steps"]
    (step,) = [step for step in steps if size_of(step) == StepSize()]
    times = {(row["name"], row["members"]): row["ms"] for row in step["contestants"]}
    quoted = {
        "this laboratory, hybrid": times["ours", 1],
        "this laboratory, hybrid, 32 seeds together": times["ours", 32],
        "classical twin, plain torch with `torch.optim.Adam`": times["classical", 1],
        "classical twin, plain torch, 32 seeds together": times["classical", 32],
        "classical twin in this laboratory's own loop": times["classical_ours", 1],
        "TensorCircuit-NG on JAX, compiled": min(times["tensorcircuit", 1], times["tensorcircuit_state", 1]),
        "PennyLane `default.qubit`, broadcast": times["pennylane_broadcast", 1],
        "PennyLane `default.qubit`, one sample after the other, as in its tutorial": times["pennylane_loop", 1],
    }
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for label, ms in quoted.items():
        (line,) = [line for line in readme.splitlines() if line.startswith(f"| {label} |")]
        assert float(line.split("|")[2]) == pytest.approx(ms, rel=0.02), label  # three digits or two
    on_gpu = {size_of(step): step for step in steps}
    small, large = (on_gpu[StepSize(n_qubits=n, batch_size=32, members=32, device="cuda")] for n in (8, 12))
    words = " ".join(readme.split())
    assert f"{small['ms']:.2g} ms with 8 qubits and {large['ms']:.2g} ms with 12" in words
    assert f"{small['speedup_over_cpu']:.2g} and {large['speedup_over_cpu']:.2g} times faster than one core" in words
    assert on_gpu[StepSize(device="cuda")]["speedup_over_cpu"] < 1


def test_the_first_point_is_reported_and_quoted(tmp_path):
    stored = json.loads((ROOT / "results" / "benchmarks" / "first_point.json").read_text(encoding="utf-8"))
    assert stored["median"] == statistics.median(stored["seconds"])
    table = save("first_point", stored, tmp_path).read_text(encoding="utf-8")
    low, high = min(stored["seconds"]), max(stored["seconds"])
    assert f"| {len(stored['seconds'])} | {low:.2f} s | {stored['median']:.2f} s | {high:.2f} s |" in table
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"there {stored['median']:.2f} s after the click on *Run* (median of {len(stored['seconds'])};" in readme


def test_many_pages_are_reported(tmp_path):
    crowd = {"pages": 2, "query": "epochs=5", "untold": 1, "training_seconds": 12.34, "idle_bytes": 0}
    crowd |= {name: [4.0, 1.0, 2.0] for name in ("told_seconds", "visitor_seconds", "opening_seconds", "click_seconds")}
    crowd |= {name: [1500, 2500] for name in ("opening_bytes", "page_bytes", "news", "news_bytes")}
    crowd |= {"busy_share": 0.5, "idle_share": 0.0012, "memory_mb": {"warm": 300.4, "open": 301.6}, "faults": ["one"]}
    stored = {"crowds": [crowd], "workers": 2, "machine": machine([]) | {"threads": 1}}
    table = save("load", stored, tmp_path).read_text(encoding="utf-8")
    for line in (
        "| | 2 pages |",
        "    python tests/load/run.py --pages 2 --settings 'epochs=5' --save",
        "| pages that never got it | 1 |",
        "| seconds until a new visitor has the page, while runs go on | 2 (4) |",
        "| kB received when a page opens | 2 (2.5) |",
        "| the same, when all pages are idle | 0.1% |",
        "| server's memory in MB: warm, all open, all ended | 300 → 302 |",
    ):
        assert line in table.splitlines()
    assert json.loads((tmp_path / "load.json").read_text(encoding="utf-8")) == stored


def test_steps_of_several_sizes_are_stored_together(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path))
    for size in ("2", "3", "2"):
        assert main(["bench", "step", "--against", "none", "--save", *TINY, "--batch-size", size]) == 0
    stored = json.loads((tmp_path / "benchmarks" / "step.json").read_text(encoding="utf-8"))
    assert [step["batch_size"] for step in stored["steps"]] == [2, 3]
    table = (tmp_path / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert "batch 2, one member, 8 features | 2 qubits, depth 1, batch 3" in table


def test_the_whole_protocol_is_timed(capsys):
    assert main(["bench", "run", "--epochs", "1", "--seeds", "1,2", "--json"]) == 0
    result = last_line(capsys)
    assert set(result["seconds"]) == {"1", "2"}
    assert all(0 < result["first_epoch_seconds"][seeds] <= result["seconds"][seeds] for seeds in ("1", "2"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["step", "--n-qubits", "40"], "n_qubits"),
        (["step", "--batch-size", "0"], "batch_size = 0"),
        (["step", "--against", "abacus"], "abacus"),
        (["step", "--engine", "abacus"], "engine = abacus is not known"),
        (["step", "--engine", "phase_form", "--n-qubits", "12"], "up to 11 qubits"),
        (["scaling", "--engine", "phase_form"], "only step takes one"),
        (["scaling", "--axes", "colour"], "colour"),
        (["scaling", "--max-qubits", "40"], "max_qubits = 40"),
        (["run", "--seeds", "many"], "seeds = many"),
    ],
)
def test_a_mistake_is_one_sentence(arguments, words, capsys):
    assert main(["bench", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.strip().splitlines()) == 1
