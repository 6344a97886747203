"""Result files of runs that never were, for the tests of what is made of result files."""

import json
import sys

COMMAND = (sys.executable, "-m", "fixtures.checklist")


class Desk:
    """Result files of runs that never were: each a copy of one that was, but for what is said."""

    def __init__(self, house):
        self.house = house
        self.days = 0
        ended = house.run("spec", "--results", "original.json")
        assert ended.ret in (0, 1)
        self.original = json.loads((house.path / "original.json").read_text(encoding="utf-8"))

    def made(self, name, python="3.11.7", loops=("asyncio", "uvloop"), outcomes=(), **fields):
        """Write a result file, a day younger than the one before; `outcomes` is {(id, loop): (outcome, reason)}."""
        self.days += 1
        data = json.loads(json.dumps(self.original))
        data |= {"started": f"2026-01-{self.days:02}T10:00:00.000+00:00", **fields}
        data["python"] = {"implementation": "CPython", **data["python"], "version": python}
        if "implementation" in fields:
            data["python"]["implementation"] = data.pop("implementation")
        data["loops"] = dict.fromkeys(loops, "0.23.0")
        for claim in data["claims"]:
            claim["results"] = [each for each in claim["results"] if each["loop"] in (None, *loops)]
            for each in claim["results"]:
                said = dict(outcomes).get((claim["id"], each["loop"]), (each["outcome"], each["reason"]))
                each["outcome"], each["reason"] = said
        self.house.write(name, json.dumps(data))
        return name

    def join(self, *arguments):
        return self.show("matrix", *arguments)

    def show(self, command, *arguments):
        return self.house.pytester.run(*COMMAND, command, *arguments)
