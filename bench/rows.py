"""rows.py - what bench/run measures: one row per figure of the goals, each a function that returns a
result. The two sides take turns, round by round; the fastest round of each counts.
SPDX-License-Identifier: Apache-2.0"""
import json
import os
import resource
import subprocess
import tempfile
import time

TORCH = "Debian's PyTorch 1.13.1, channels-last"

# Slowest seconds that PyTorch is known to need on an idle machine of this kind (2 cores, AVX-512). A
# peer more than SLACK slower was disturbed, and its row says nothing.
KNOWN = {("train", "resnet50", 32): 32 / 3.4, ("predict", "resnet50", 1): 0.082, ("predict", "resnet50", 32): 2.0}
SLACK = 1.2

# One image is over in the milliseconds for which the other side's threads still spin after their turn,
# and in caches that the other side filled: a turn of either side is so many calls in a row.
CALLS_OF_ONE = 4


class Side:
    """A process that answers lines. Its waiting threads spin for some milliseconds, then sleep, so that
    the other side has the processor to itself; OMP_WAIT_POLICY is left to who runs this."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.about = json.loads(self.process.stdout.readline())

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("bench/run: a side stopped: " + " ".join(self.process.args))
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    """What the rows share: the number of threads, whether to hurry, a pair of sides kept open."""

    def __init__(self, threads, quick):
        self.threads, self.quick, self.pair = threads, quick, None

    def ours(self, threads=None):
        return Side(["build/bench/models", str(threads or self.threads)])

    def peer(self):
        return Side(["/usr/bin/python3", "bench/peer_torch.py", str(self.threads)])

    def sides(self):
        if not self.pair:
            self.pair = (self.ours(), self.peer())
        return self.pair

    def close(self):
        for side in self.pair or ():
            side.close()
        self.pair = None

    def rounds(self, count):
        return max(2, count // 3) if self.quick else count


class Best:
    """The fastest of some answers, by the clock and in processor time."""

    def __init__(self):
        self.seconds = self.processor = 1e9
        self.flops = 0

    def add(self, answer):
        self.seconds = min(self.seconds, answer["seconds"])
        self.processor = min(self.processor, answer.get("processor", 1e9))
        self.flops = answer.get("flops", 0)


def compared(unit, ours, peer, goal, peer_name=TORCH):
    """ratio: above 1 means sonograde is faster or smaller."""
    ratio = peer / ours
    return {"unit": unit, "ours": round(ours, 6), "peer": round(peer, 6), "peer_name": peer_name,
            "ratio": round(ratio, 3), "goal": ">= %.2f x" % goal, "met": ratio >= goal}


def disturbed(best, threads):
    """The clock ran on while nobody computed: other work had the processor."""
    return best.seconds > SLACK * best.processor / threads


def judge_peer(result, key, best, threads):
    known = KNOWN.get(key)
    if known and best.seconds > known * SLACK:
        result["doubt"] = "peer not credible: known to take %.3f s" % known
    elif not known and disturbed(best, threads):
        result["doubt"] = "peer not credible: it waited for the processor"
    result["met"] = result["met"] and "doubt" not in result


def difference(sides, works, shape):
    """Largest difference of a logit over the largest logit, from equal weights and images."""
    ours, peer = (side.ask(work, *shape)["logits"] for side, work in zip(sides, works))
    return max(abs(a - b) for a, b in zip(ours, peer)) / max(abs(b) for b in peer)


def times(bench, work, peer_work, model, batch, size, rounds, goal):
    sides, shape = bench.sides(), (model, batch, size)
    if work == "predict8" and not sides[0].about["bytes"]:
        return {"unit": "s", "ours": None, "peer": None, "peer_name": None, "ratio": None, "goal": ">= %.2f x" % goal,
                "met": True, "doubt": "not applicable: the processor has no dot products of bytes"}
    logits = {"train": ("check", "check"), "predict8": ("answer8", "answer")}.get(work, ("answer", "answer"))
    differs = difference(sides, logits, shape)
    works, best = (work, peer_work), (Best(), Best())
    for side, name in zip(sides, works):
        side.ask(name, *shape)  # warm-up
    for _ in range(bench.rounds(rounds)):
        for side, name, b in zip(sides, works, best):
            for _ in range(CALLS_OF_ONE if batch == 1 else 1):
                b.add(side.ask(name, *shape))
    result = compared("s", best[0].seconds, best[1].seconds, goal)
    result.update(processor=[round(b.processor, 6) for b in best],
                  processor_ratio=round(best[1].processor / best[0].processor, 3),
                  gflop=round(best[0].flops / 1e9, 1), dtype="u8/i8 against f32" if work == "predict8" else "f32",
                  output_difference=float("%.2g" % differs))
    if peer_work == "jit":
        result["peer_name"] = TORCH + ", torch.jit.freeze"
    judge_peer(result, (peer_work, model, batch), best[1], bench.threads)
    return result


def convolutions(bench, model, batch, size, goal):
    """A step beside its convolutions, each at its best, alone."""
    ours, step, alone = bench.sides()[0], Best(), Best()
    for _ in range(bench.rounds(3)):
        alone.add(ours.ask("convolutions", model, batch, size))
        ours.ask("train", model, batch, size)
        for _ in range(2):
            step.add(ours.ask("train", model, batch, size))
    result = compared("s", step.seconds, alone.seconds, goal, "the convolutions of the step, each alone at its best")
    result.update(gflop=round(step.flops / 1e9, 1), dtype="f32")
    return result


def in_turns(bench, works, repeats, model, batch, size):
    """The best of each of our works, taking turns; the first step of a turn warms up."""
    ours, best = bench.sides()[0], [Best() for _ in works]
    for _ in range(bench.rounds(3)):
        for work, b in zip(works, best):
            ours.ask(work, model, batch, size)
            for _ in range(repeats):
                b.add(ours.ask(work, model, batch, size))
    return best


def frozen(bench, model, batch, size, goal):
    """A step with its lower part frozen beside the arithmetic that is left."""
    whole, part = in_turns(bench, ("train", "frozen"), 2, model, batch, size)
    result = compared("s", part.seconds, whole.seconds * part.flops / whole.flops, goal,
                      "the whole step times the share of arithmetic left")
    result.update(gflop=round(part.flops / 1e9, 1), dtype="f32",
                  note="whole step %.3f s, %.0f GFLOP" % (whole.seconds, whole.flops / 1e9))
    return result


def threads(bench, model, batch, size, goal):
    """Step and matrix product, one thread against two."""
    teams = [bench.ours(n) for n in (1, 2)]
    step, product = (Best(), Best()), [0.0, 0.0]
    for i in range(1 + bench.rounds(4)):
        for k, side in enumerate(teams):
            answer = side.ask("train", model, batch, size)
            if i:
                step[k].add(answer)
            product[k] = max(product[k], side.ask("machine")["flops"])
    for side in teams:
        side.close()
    scaling, peer = step[0].seconds / step[1].seconds, product[1] / product[0]
    return {"unit": "x", "ours": round(scaling, 3), "peer": round(peer, 3), "ratio": round(scaling / peer, 3),
            "peer_name": "a matrix product of the same library in the same run", "goal": ">= %.2f x" % goal,
            "met": scaling / peer >= goal, "dtype": "f32", "gflop": round(step[0].flops / 1e9, 1),
            "note": "step %.3f and %.3f s" % (step[0].seconds, step[1].seconds)}


def memory(bench, model, batch, size, goal):
    """Peak of a fresh process that takes one step."""
    peaks = []
    for side in (bench.ours(), bench.peer()):
        side.ask("train", model, batch, size)
        peaks.append(side.ask("memory")["bytes"] / 1e9)
        side.close()
    result = compared("GB", peaks[0], peaks[1], 1.0)
    result.update(goal="<= %.1f GB" % goal, met=peaks[0] <= goal, dtype="f32")
    return result


def recompute_time(bench, model, batch, size, goal):
    """A step that runs most of its forward pass again beside one that does not."""
    whole, again = in_turns(bench, ("train", "recompute"), 1, model, batch, size)
    result = compared("s", again.seconds, whole.seconds, 1 / goal, "the same step without")
    result.update(goal="<= %.2f x time" % goal, dtype="f32", gflop=round(again.flops / 1e9, 1),
                  processor=[round(again.processor, 6), round(whole.processor, 6)],
                  processor_ratio=round(whole.processor / again.processor, 3))
    return result


def recompute_memory(bench, model, batch, size, goal):
    """Peaks of fresh processes that take one step each."""
    peaks, planned = {}, {}
    for work in ("recompute", "train"):
        side = bench.ours()
        side.ask(work, model, batch, size)
        answer = side.ask("memory")
        peaks[work], planned[work] = answer["bytes"] / 1e9, answer["planned"] / 1e9
        side.close()
    result = compared("GB", peaks["recompute"], peaks["train"], 1 / goal, "the same step without")
    result.update(goal="<= %.2f x memory" % goal, dtype="f32",
                  note="planned %.2f and %.2f GB" % (planned["recompute"], planned["train"]))
    return result


def loader(bench, goal):
    """Images that one core loads a second: 500 px PNG, CLAHE, augmenting warp, standardised."""
    sides = (["build/bench/loader"], ["/usr/bin/python3", "bench/peer_loader.py"])
    quiet = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    rate = [0.0, 0.0]
    for _ in range(bench.rounds(4)):
        for i, command in enumerate(sides):
            rate[i] = max(rate[i], json.loads(subprocess.check_output(command, env=quiet))["images_per_second"])
    return {"unit": "/s", "ours": rate[0], "peer": rate[1], "ratio": round(rate[0] / rate[1], 3),
            "peer_name": "Pillow 9.4, OpenCV 4.6 (warp not antialiased), NumPy", "goal": ">= %d /s" % goal,
            "met": rate[0] >= goal, "note": "processor time of one core"}


def make_bundle(path, model):
    """Any weights do; one epoch over a few phantoms makes a bundle of full size."""
    run = lambda *words: subprocess.run(("build/sonograde",) + words + ("--quiet",), check=True)
    with tempfile.TemporaryDirectory() as folder:
        run("data", "phantom", "--out", folder + "/set", "--per-class", "6")
        run("train", "--data", folder + "/set", "--model", model, "--epochs", "1", "--batch", "4", "--run", folder + "/run")
        run("bundle", "--run", folder + "/run", "-o", path)


def cold(bench, model, goal):
    """One image predicted by a fresh process, the bundle in the file cache."""
    bundle = "build/bench/%s.sgb" % model
    if not os.path.exists(bundle):
        make_bundle(bundle, model)
    best = Best()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["build/sonograde", "data", "phantom", "--out", folder, "--per-class", "1", "--size", "500",
                        "--quiet"], check=True)
        image = next(os.path.join(at, name) for at, _, names in sorted(os.walk(folder)) for name in sorted(names)
                     if name.endswith(".png") and "_mask" not in name)
        for _ in range(1 + bench.rounds(12)):
            start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(["build/sonograde", "predict", "--bundle", bundle, image], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            now = resource.getrusage(resource.RUSAGE_CHILDREN)
            best.add({"seconds": time.perf_counter() - start,
                      "processor": now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime})
    return {"unit": "s", "ours": round(best.seconds, 4), "peer": None, "ratio": None, "peer_name": None,
            "goal": "<= %.1f s" % goal, "met": best.seconds <= goal, "dtype": "f32",
            "note": "processor time %.3f s, bundle of %.0f MB" % (best.processor, os.path.getsize(bundle) / 1e6)}


# name: (function, its arguments); times are ours, peer's, model, batch, size, rounds, goal.
ROWS = {
    "train resnet50 b32": (times, "train", "train", "resnet50", 32, 224, 3, 2.0),
    "train resnet50 b32 / its convolutions": (convolutions, "resnet50", 32, 224, 0.85),
    "train mresnet b16": (times, "train", "train", "mresnet", 16, 224, 3, 1.8),
    "train mobilenetv2 b16": (times, "train", "train", "mobilenetv2", 16, 224, 8, 1.8),
    "train alexnet b32": (times, "train", "train", "alexnet", 32, 224, 8, 1.8),
    "train vgg16 b16": (times, "train", "train", "vgg16", 16, 224, 2, 1.8),
    "train googlenet b16": (times, "train", "train", "googlenet", 16, 224, 5, 1.8),
    "train resnet50 b32, stem and stage 1 frozen": (frozen, "resnet50", 32, 224, 0.9),
    "predict resnet50 b1": (times, "predict", "predict", "resnet50", 1, 224, 60, 2.0),
    "predict resnet50 b1 / jit": (times, "predict", "jit", "resnet50", 1, 224, 60, 1.2),
    "predict resnet50 b1, 8 bits": (times, "predict8", "predict", "resnet50", 1, 224, 60, 4.0),
    "predict resnet50 b32": (times, "predict", "predict", "resnet50", 32, 224, 4, 1.5),
    "predict resnet50 b32 / jit": (times, "predict", "jit", "resnet50", 32, 224, 4, 1.2),
    "predict mobilenetv2 b1": (times, "predict", "predict", "mobilenetv2", 1, 224, 30, 1.0),
    "1 to 2 threads, train resnet50 b16": (threads, "resnet50", 16, 224, 0.95),
    "memory, train resnet50 b32": (memory, "resnet50", 32, 224, 2.2),
    "recompute, time, train resnet50 b32": (recompute_time, "resnet50", 32, 224, 1.35),
    "recompute, memory, train resnet50 b32": (recompute_memory, "resnet50", 32, 224, 0.6),
    "predict one PNG, cold, resnet50": (cold, "resnet50", 0.3),
    "load 500 px PNG, 1 core": (loader, 200),
}
