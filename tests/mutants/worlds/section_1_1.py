"""Worlds in which greenlets begin, resume, end or run elsewhere than they do."""

from __future__ import annotations

import ast
import asyncio
import queue
import select
import threading
import time

import greenlet

from tests.mutants.worlds import world


def _greenlet(patch, **changes):
    """Put in greenlet's place a kind of it with `changes`."""
    patch.setattr(greenlet, "greenlet", type("Greenlet", (greenlet.greenlet,), changes))


def _starting(patch, when):
    """Have a greenlet start as it is made where `when(named)`: with these arguments by name."""
    true_greenlet = greenlet.greenlet

    def __init__(self, *arguments, **named):
        true_greenlet.__init__(self, *arguments, **named)
        if when(named):
            self.switch()

    _greenlet(patch, __init__=__init__)


@world("a greenlet starts when it is made", falsifies=["greenlets-run-nothing-before-the-first-switch"])
def _(patch):
    _starting(patch, lambda named: True)


@world(
    "the first switch starts all greenlets that were made", falsifies=["greenlets-run-nothing-before-the-first-switch"]
)
def _(patch):
    true_greenlet, made = greenlet.greenlet, []

    def __init__(self, run):
        true_greenlet.__init__(self, run)
        made.append(self)

    def switch(self):
        for other in made:
            if not other and not other.dead and other is not self:
                true_greenlet.switch(other)
        return true_greenlet.switch(self)

    _greenlet(patch, __init__=__init__, switch=switch)


class _BindEarly(ast.NodeTransformer):
    """A function keeps what the name `second` meant when the function was made."""

    def visit_FunctionDef(self, node):
        if node.name == "name_the_second":
            node.args.kwonlyargs.append(ast.arg("early"))
            node.args.kw_defaults.append(ast.parse("locals().get('second')", mode="eval").body)
            node.body = ast.parse("return early").body
            return node
        return self.generic_visit(node)


@world(
    "a function's names are bound when the function is made",
    falsifies=["greenlet-function-may-name-a-greenlet-made-later"],
)
def _(patch):
    patch.rewrite(_BindEarly())


@world(
    "the main program enters the greenlet made last",
    falsifies=["greenlet-step-one-enters-the-first-function", "greenlet-step-two-gives-one"],
)
def _(patch):
    true_greenlet, made = greenlet.greenlet, []

    def __init__(self, run):
        true_greenlet.__init__(self, run)
        made.append(self)

    def switch(self):
        return true_greenlet.switch(self if greenlet.getcurrent().parent else made[-1])

    _greenlet(patch, __init__=__init__, switch=switch)


@world(
    "each greenlet runs to its end before another begins",
    falsifies=[
        "greenlet-step-three-starts-the-second-function",
        "greenlet-step-four-gives-three",
        "greenlet-step-six-gives-two",
        "greenlet-step-eight-gives-four",
    ],
)
def _(patch):
    true_greenlet = greenlet.greenlet
    _greenlet(patch, switch=lambda self: None if greenlet.getcurrent().parent else true_greenlet.switch(self))


@world(
    "a greenlet that was left is never come back to",
    falsifies=[
        "greenlet-step-five-resumes-the-first-function",
        "greenlet-step-six-gives-two",
        "greenlet-step-seven-resumes-the-second-function",
        "greenlet-step-eight-gives-four",
        "greenlet-nobody-switches-back-to-never-finishes",
    ],
)
def _(patch):
    true_greenlet = greenlet.greenlet
    _greenlet(patch, switch=lambda self: None if self else true_greenlet.switch(self))


@world(
    "a switch begins the function anew",
    falsifies=[
        "greenlet-step-five-resumes-the-first-function",
        "greenlet-step-seven-resumes-the-second-function",
    ],
)
def _(patch):
    true_greenlet = greenlet.greenlet

    def __init__(self, run):
        true_greenlet.__init__(self, run)
        self.function = run

    def switch(self):
        return true_greenlet.switch(type(self)(self.function) if self else self)

    _greenlet(patch, __init__=__init__, switch=switch)


@world(
    "a greenlet that ends hands control to the one that started it",
    falsifies=[
        "greenlet-that-ends-hands-control-to-its-parent",
        "greenlet-nobody-switches-back-to-never-finishes",
        "greenlets-switch-by-explicit-calls-without-an-event-loop",
    ],
)
def _(patch):
    true_greenlet = greenlet.greenlet

    def switch(self):
        if not self and not self.dead:
            self.parent = greenlet.getcurrent()
        return true_greenlet.switch(self)

    _greenlet(patch, switch=switch)


@world("greenlets are threads", falsifies=["greenlets-switch-by-explicit-calls-without-an-event-loop"])
def _(patch):
    class Greenlet:
        def __init__(self, run):
            self.run = run

        def switch(self):
            thread = threading.Thread(target=self.run)
            thread.start()
            thread.join()

    patch.setattr(greenlet, "greenlet", Greenlet)


@world(
    "a greenlet that another switches to runs in an event loop",
    falsifies=["greenlets-switch-by-explicit-calls-without-an-event-loop"],
)
def _(patch):
    true_greenlet = greenlet.greenlet

    def __init__(self, run):
        async def within():
            return run()

        def begin():
            return run() if self.is_first else asyncio.run(within())

        true_greenlet.__init__(self, begin)

    def switch(self):
        self.is_first = greenlet.getcurrent().parent is None
        return true_greenlet.switch(self)

    _greenlet(patch, __init__=__init__, switch=switch)


@world(
    "a greenlet refuses a function that names what is not there yet",
    falsifies=["greenlet-function-may-name-a-greenlet-made-later"],
)
def _(patch):
    true_greenlet = greenlet.greenlet

    def __init__(self, run):
        for name, cell in zip(run.__code__.co_freevars, run.__closure__ or ()):
            try:
                cell.cell_contents
            except ValueError:
                raise NameError(f"nothing is named {name} yet") from None
        true_greenlet.__init__(self, run)

    _greenlet(patch, __init__=__init__)


@world(
    "a greenlet that is given its parent starts when it is made",
    falsifies=["greenlets-run-nothing-before-the-first-switch"],
)
def _(patch):
    true_greenlet = greenlet.greenlet

    def __init__(self, run=None, parent=None):
        true_greenlet.__init__(self, run, parent or greenlet.getcurrent())
        if parent is not None:
            self.switch()

    _greenlet(patch, __init__=__init__)


def _cooperative(patch, module, name):
    """Have a function that waits give control to its greenlet's parent first."""
    true = getattr(module, name)

    def cooperative(*arguments):
        parent = greenlet.getcurrent().parent
        if parent is not None:
            parent.switch()
        return true(*arguments)

    patch.setattr(module, name, cooperative)


@world(
    "a greenlet that sleeps gives control to its parent",
    falsifies=["greenlets-switch-by-explicit-calls-without-an-event-loop"],
)
def _(patch):
    _cooperative(patch, time, "sleep")


@world(
    "a greenlet that waits in select gives control to its parent",
    falsifies=["greenlets-switch-by-explicit-calls-without-an-event-loop"],
)
def _(patch):
    _cooperative(patch, select, "select")


@world(
    "a greenlet that takes from a queue gives control to its parent",
    falsifies=["greenlets-switch-by-explicit-calls-without-an-event-loop"],
)
def _(patch):
    _cooperative(patch, queue.Queue, "get")


@world(
    "the first switch makes an event loop, which does not run",
    falsifies=["greenlets-switch-by-explicit-calls-without-an-event-loop"],
)
def _(patch):
    true_greenlet, made = greenlet.greenlet, []

    def switch(self, *arguments):
        if not made:
            made.append(asyncio.new_event_loop())
        return true_greenlet.switch(self, *arguments)

    _greenlet(patch, switch=switch)


@world(
    "a greenlet that is made within another starts when it is made",
    falsifies=["greenlets-run-nothing-before-the-first-switch"],
)
def _(patch):
    _starting(patch, lambda named: greenlet.getcurrent().parent is not None)


@world(
    "a greenlet that is given its function by name starts when it is made",
    falsifies=["greenlets-run-nothing-before-the-first-switch"],
)
def _(patch):
    _starting(patch, lambda named: "run" in named)
