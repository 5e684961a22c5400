"""The report of `convert tune`, in Markdown."""

from collections import Counter
from collections.abc import Mapping, Sequence

from convert.ascend.command_line import DEFAULT_SAMPLING
from convert.tune.candidates import Trial
from convert.tune.measure import Throughput
from convert.tune.om_operators import Operator
from convert.tune.profile import Durations, Profile
from segmentation.model_card import ModelCard

_SHOWN_OPERATORS = 8
_AI_CPU = "AI_CPU"


def format_report(
    card: ModelCard,
    facts: Mapping[str, str],
    trials: Sequence[Trial],
    best: Trial,
    stages: Mapping[str, float],
    throughputs: Sequence[Throughput],
    memory: Mapping[int, tuple[int, int]],
    profile: Profile,
) -> str:
    """Format everything that was found, to be pasted into an issue."""
    lines = [f"## {card.name} on Ascend", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    lines += [
        f"- device {device}: {free / 1e6:.0f} of {total / 1e6:.0f} MB free with the model loaded"
        for device, (free, total) in memory.items()
    ]
    lines += ["", "| precision | sampling | cut-outs: IoU mean, least | same side | ms | |"]
    lines += ["|---|---|---|---|---|---|", *(_row(trial, trial is best) for trial in trials)]
    fastest = max(throughputs, key=lambda item: item.photos_per_s)
    milliseconds = ", ".join(f"{name} {value:.1f}" for name, value in stages.items())
    lines += [
        "",
        f"- median ms per photo: {milliseconds}",
        *(_throughput(item, item is fastest) for item in throughputs),
        _engines(profile.operators),
        *_durations(profile.durations),
    ]
    if not best.is_accurate:
        lines.append(
            "- **No OM gives the cut-outs of onnxruntime.** Use --engine onnx, and please report "
            "this."
        )
    return "\n".join(lines)


def _row(trial: Trial, is_best: bool) -> str:
    tuning = trial.tuning
    names = f"| {tuning.precision} | {tuning.sampling or DEFAULT_SAMPLING}"
    if trial.failure is not None:
        return f"{names} | | | | {trial.failure.replace('|', '/')} |"
    agreement = sum(item.mask_agreement for item in trial.logits) / len(trial.logits)
    return (
        f"{names} | {len(trial.ious)}: {trial.mean_iou:.4f}, {min(trial.ious, default=0):.3f} "
        f"| {agreement:.3%} | {trial.milliseconds:.1f} | {'**chosen**' if is_best else ''} |"
    )


def _throughput(throughput: Throughput, is_fastest: bool) -> str:
    if throughput.failure is not None:
        return f"- --batch {throughput.batch} does not work: {throughput.failure}"
    rate = f"- {throughput.photos_per_s:.1f} prepared photos per second on {throughput.device}"
    if throughput.batch == 1:
        return rate
    return f"{rate} with --batch {throughput.batch}, {'' if is_fastest else 'not '}kept"


def _engines(operators: Sequence[Operator]) -> str:
    """The engines that atc chose; an operator on AI CPU is slow."""
    if not operators:
        return "- engines of the operators: atc does not tell them"
    engines = Counter(operator.engine for operator in operators)
    on_cpu = Counter(operator.type for operator in operators if operator.engine == _AI_CPU)
    return (
        f"- engines that atc chose: {_format_counts(engines)} operators; on AI CPU: "
        f"{_format_counts(on_cpu) or 'none'}"
    )


def _durations(durations: Durations | None) -> list[str]:
    if durations is None:
        return ["- time of the operators: neither msprof nor acl.prof recorded any"]
    by_engine: dict[str | None, Counter[str]] = {}
    for (engine, name), nanoseconds in durations.items():
        by_engine.setdefault(engine, Counter())[name] += nanoseconds
    totals = Counter({str(engine): times.total() for engine, times in by_engine.items()})
    lines = [f"- time on each engine: {_format_times(totals)}"] if set(by_engine) != {None} else []
    return lines + [
        f"- on {engine or 'an engine that acl.prof does not name'}: {_format_times(times)}"
        for engine, times in by_engine.items()
    ]


def _format_counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common(_SHOWN_OPERATORS))


def _format_times(nanoseconds: Counter[str]) -> str:
    return ", ".join(
        f"{name} {time / 1e6:.1f} ms" for name, time in nanoseconds.most_common(_SHOWN_OPERATORS)
    )
