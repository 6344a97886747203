"""The page as a reader has it: in Chromium, by mouse and keys, in both languages, dark and light, wide and narrow."""

import re
import socket
import time
from importlib import resources
from urllib.parse import parse_qs

import pytest

from fixtures.applies import turns
from fixtures.claims import read_document
from tests import browser, pages
from tests.conftest import CEILING, ROOT, wait_until

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing())

DOCUMENT = read_document(ROOT)[0]
CLAIMS = DOCUMENT.claims
ON_LOOPS = {test.claim for test in DOCUMENT.tests.values() if test.on_loops}
EVIL = "E   </script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'>"
FAILED, CRASHED, HUNG, UNVERIFIED = (
    "await-suspends-only-its-own-task", "waiting-task-costs-no-turns",
    "each-ready-task-gets-one-step-a-pass", "ready-queue-is-first-in-first-out",
)  # fmt: skip
SAID = {
    ("3.12.1", FAILED, "uvloop"): {
        "outcome": "failed", "reason": "assert 1 == 2", "failures": [{"test": "a test", "said": EVIL}]
    },
    ("3.12.1", CRASHED, "asyncio"): {"outcome": "crashed", "reason": "worker 'gw0' crashed"},
    ("3.13.0", HUNG, "asyncio"): {"outcome": "hung", "reason": "did not end within 30 s"},
    ("3.13.0", UNVERIFIED, "asyncio"): {"outcome": "not verified", "reason": "no server"},
}  # fmt: skip
AGREES = "greenlets-run-nothing-before-the-first-switch"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(pages.page(SAID), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def english(tmp_path_factory):
    driver = browser.started(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


class Reader:
    """Somebody before the page."""

    def __init__(self, driver, address):
        self.driver, self.address = driver, address
        self.ask, self.css = driver.execute_script, lambda selector: driver.find_element("css selector", selector)

    def open(self, fragment=""):
        self.driver.get("about:blank")
        self.driver.get(self.address + fragment)
        # When it has loaded it goes to the claim of its address, in the next frame.
        self.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")

    @property
    def ids(self):
        """The claims that can be seen, in order."""
        return self.ask(
            "return [...document.querySelectorAll('.claim')].filter((each) => each.checkVisibility())"
            ".map((each) => each.id)"
        )

    @property
    def fragment(self):
        return self.ask("return location.hash")

    @property
    def query(self):
        return {name: values[0] for name, values in parse_qs(self.fragment.partition("?")[2]).items()}

    @property
    def focused(self):
        """The id of what has the focus; of a claim's row, the claim's."""
        return self.ask("return document.activeElement.id || document.activeElement.parentElement.id")

    def press(self, *keys):
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def fill(self, name, value):
        """Fill in one field of the form, as a reader would: by what it shows."""
        from selenium.webdriver.support.ui import Select

        field = self.css(f"#_filters [name={name}]")
        if field.tag_name == "select":
            Select(field).select_by_value(value)
        else:
            field.clear()
            field.send_keys(value)


@pytest.fixture
def reader(english, address):
    reader = Reader(english, address)
    browser.sized(english, 1280, 900)
    browser.coloured(english, "light")
    yield reader
    complaints = [said["message"] for said in english.get_log("browser")]
    assert complaints == []
    assert reader.ask("return performance.getEntriesByType('resource').map((each) => each.name)") == []
    assert reader.ask("return window.broken") is None


def ids(wanted):
    return [claim.id for claim in CLAIMS.values() if wanted(claim)]


def python_of(claim):
    return claim.applies.get("python", "")


def test_it_opens_on_the_rows_that_differ_and_says_how_many_are_folded(reader):
    reader.open()

    differ = reader.ask("return [...document.querySelectorAll('.claim:not([data-agrees])')].map((each) => each.id)")
    assert reader.ids == differ
    assert {FAILED, CRASHED, HUNG, UNVERIFIED} < set(differ) < set(CLAIMS)
    assert AGREES not in differ
    folded = len(CLAIMS) - len(differ)
    said = f"{len(differ)} of {len(CLAIMS)} claims are shown; {folded} are the same everywhere and folded"
    assert reader.css("#_count").text == said
    assert reader.css("#_count").get_attribute("aria-live") == "polite"


def test_what_is_folded_in_a_section_is_shown_by_its_button_and_by_the_address(reader):
    reader.open()
    section = reader.css("[id='_1.1'] .folded")
    before = reader.ids

    section.click()

    of_section = ids(lambda claim: claim.section == "1.1")
    assert [id for id in reader.ids if CLAIMS[id].section == "1.1"] == of_section
    assert [id for id in reader.ids if CLAIMS[id].section != "1.1"] == [
        id for id in before if CLAIMS[id].section != "1.1"
    ]
    assert reader.query == {"unfolded": "1.1"}
    assert reader.focused in of_section and reader.focused not in before
    shown = reader.ids
    reader.open(reader.fragment)
    assert reader.ids == shown


FILTERS = {
    ("section", "3.4"): lambda claim: claim.section == "3.4",
    ("section", "3."): lambda claim: claim.section.startswith("3."),
    ("section", "3.5"): lambda claim: claim.section == "3.5",
    ("verdict", "refuted"): lambda claim: claim.verdict == "refuted",
    ("text", "Selector endless"): lambda claim: all(
        word in f"{claim.id} {claim.says} {claim.instead} {claim.zh} {claim.instead_zh}".lower()
        for word in ("selector", "endless")
    ),
    ("text", "死循环"): lambda claim: "死循环" in claim.zh + claim.instead_zh,
    ("fate", "wrong"): lambda claim: claim.id in (FAILED, CRASHED, HUNG, UNVERIFIED),
    ("fate", "failed"): lambda claim: claim.id == FAILED,
    ("fate", "not verified"): lambda claim: claim.id == UNVERIFIED,
    ("since", "3.14"): lambda claim: any(
        [int(part) for part in version.split(".")] >= [3, 14] and int(version.split(".")[1]) <= 16
        for version, _ in turns(python_of(claim))
    ),
}


@pytest.mark.parametrize(("name", "value"), FILTERS, ids=str)
def test_a_filter_shows_what_it_says_and_its_address_shows_the_same(reader, name, value):
    reader.open("#?rows=all")
    assert reader.ids == list(CLAIMS)

    reader.fill(name, value)

    expected = ids(FILTERS[name, value])
    assert 0 < len(expected) < len(CLAIMS)
    assert reader.ids == expected
    assert reader.css("#_count").text == f"{len(expected)} of {len(CLAIMS)} claims are shown"
    assert reader.query == {name: value, "rows": "all"}
    reader.open(reader.fragment)
    assert reader.ids == expected
    assert reader.css(f"#_filters [name={name}]").get_attribute("value") == value


def test_a_loop_and_a_python_leave_their_columns_and_what_is_about_them(reader):
    reader.open("#?rows=all")

    reader.fill("python", "3.11")
    on_311 = reader.ids
    reader.fill("loop", "uvloop")

    assert ids(lambda claim: python_of(claim) == ">=3.12" and not claim.pending)
    assert not set(on_311) & set(ids(lambda claim: python_of(claim) in (">=3.12", "<3.11")))
    assert set(on_311) > set(ids(lambda claim: not claim.applies and not claim.stack and not claim.pending))
    assert not set(reader.ids) & set(ids(lambda claim: claim.applies.get("loop") == "asyncio"))
    assert set(reader.ids) >= set(ids(lambda claim: claim.applies == {"loop": "uvloop"} and claim.id in ON_LOOPS))
    assert set(reader.ids) <= ON_LOOPS
    assert set(reader.ids) < set(on_311)
    seen = "return [...document.querySelectorAll(arguments[0])].filter((each) => each.checkVisibility()).length"
    marks = f"#{FAILED} summary .marks i"
    assert reader.ask(seen, marks) == 1
    reader.css("#_reset").click()
    assert reader.ask(seen, marks) == 2 * len(pages.PYTHONS)
    assert reader.ids == list(CLAIMS)


def test_filters_that_nothing_passes_say_so_and_showing_all_takes_them_back(reader):
    reader.open()
    reader.fill("text", "no claim has this in it")

    assert reader.ids == []
    assert reader.css("#_none").is_displayed()
    assert reader.css("#_none").text == "No claim is like that."
    reader.css("#_reset").click()
    assert reader.ids == list(CLAIMS)
    assert not reader.css("#_none").is_displayed()


@pytest.mark.parametrize("fragment", ["#{id}", "#{id}?verdict=changed&text=nothing+like+it"])
def test_the_address_of_a_claim_shows_and_opens_it_whatever_is_filtered(reader, fragment):
    reader.open(fragment.format(id=AGREES))

    assert AGREES in reader.ids
    assert reader.css(f"#{AGREES}").get_attribute("open") is not None
    assert reader.focused == AGREES
    top, height = reader.ask("return [document.activeElement.getBoundingClientRect().top, innerHeight]")
    assert 0 <= top < height / 2
    assert f'@claim("{AGREES}")' in reader.css(f"#{AGREES} .opened").text


@pytest.mark.parametrize(
    "fragment", ["#no-such-claim", "#_9.9", "#%", "#?verdict=odd&rows=x&lang=fr&python=2.7&since=9", "#?" + "&" * 99]
)
def test_an_address_that_says_nothing_known_is_as_none(reader, fragment):
    reader.open()
    plain = reader.ids

    reader.open(fragment)

    assert reader.ids == plain or "rows" in fragment and reader.ids == list(CLAIMS)
    assert reader.css("html").get_attribute("lang") == "en"


def test_opening_a_claim_puts_it_in_the_address_and_a_link_to_another_can_be_gone_back_from(reader):
    reader.open("#?verdict=refuted&rows=all")
    reader.css(f"#{CRASHED} > summary").click()
    assert reader.fragment == f"#{CRASHED}?verdict=refuted&rows=all"

    link = reader.css("#_changes a")
    other = link.get_attribute("href").partition("#")[2]
    link.click()

    assert reader.focused == other
    assert reader.fragment == f"#{other}?verdict=refuted&rows=all"
    reader.driver.back()
    wait_until(lambda: reader.focused == CRASHED, "going back leads to the claim before")
    reader.css(f"#{CRASHED} > summary").click()
    assert reader.fragment == "#?verdict=refuted&rows=all"


def test_an_opened_claim_shows_why_it_failed_and_texts_stay_texts(reader):
    reader.open(f"#{FAILED}")

    opened = reader.css(f"#{FAILED} .opened")
    assert opened.find_element("css selector", ".failure pre").text == EVIL[1:].strip()
    assert "failed (3.12 uvloop): a test" in opened.text
    assert "pytest spec/c3_asyncio/" in opened.text
    reference = opened.find_element("css selector", ".facts a[lang=en]")
    assert reference.get_attribute("href").startswith("https://docs.python.org/3/library/asyncio-")
    cells = [each.text for each in opened.find_elements("css selector", ".cells li")]
    assert len(cells) == 2 * len(pages.PYTHONS)
    assert "✗ 3.12 uvloop failed" in [re.sub(r"\s+", " ", cell) for cell in cells]


def test_the_language_is_switched_without_loading_anew_and_kept_in_the_address(reader):
    reader.open(f"#{HUNG}")
    reader.ask("window.same = true")
    claim = CLAIMS[HUNG]
    assert claim.says in reader.css(f"#{HUNG} summary").text

    reader.css("[data-language=zh]").click()

    said = reader.css(f"#{HUNG} summary").text
    assert claim.zh in said and claim.says not in said
    assert reader.ask("return window.same")
    assert reader.css("html").get_attribute("lang") == "zh"
    assert reader.driver.title == "asyncio 的可执行规范"
    assert reader.css("#_filters").get_attribute("aria-label") == "查找与筛选"
    assert reader.css("[name=verdict] [value=refuted]").text == "不成立"
    assert reader.css("[data-language=zh]").get_attribute("aria-pressed") == "true"
    assert reader.fragment == f"#{HUNG}?lang=zh"
    reader.open(reader.fragment)
    assert claim.zh in reader.css(f"#{HUNG} summary").text
    reader.css("[data-language=en]").click()
    assert claim.says in reader.css(f"#{HUNG} summary").text


def test_no_word_of_the_other_language_is_left(reader):
    for language, other in (("zh", "en"), ("en", "zh")):
        reader.open(f"#{FAILED}?lang={language}")
        left = reader.ask(
            f"return [...document.querySelectorAll('.t[lang={other}]')].filter((each) => each.checkVisibility()).length"
        )
        assert left == 0
        assert reader.ask(f"return document.querySelectorAll('.t[lang={language}]').length") > 1_000
    assert not re.search("[\u4e00-\u9fff]", reader.css("#_filters").text)


def test_the_language_is_at_first_that_of_the_browser(address, tmp_path):
    driver = browser.started(tmp_path, language="fr,zh-CN,en")
    try:
        reader = Reader(driver, address)
        reader.open()
        assert reader.css("h1").text == "asyncio 的可执行规范"
        reader.open("#?lang=en")
        assert reader.css("h1").text == "The executable specification of asyncio"
    finally:
        driver.quit()


def test_the_keyboard_reaches_all_there_is(reader):
    from selenium.webdriver import Keys

    reader.open()
    reader.press(Keys.TAB)
    assert reader.css(".skip").rect["x"] >= 0
    reader.press(Keys.ENTER)
    assert reader.focused == "_claims"
    for _ in range(3):  # the first section has only what is folded
        reader.press(Keys.TAB)
    id = reader.focused
    assert id in CLAIMS
    reader.press(Keys.ENTER)
    assert reader.css(f"#{id}").get_attribute("open") is not None
    assert reader.fragment == f"#{id}"
    outline = reader.ask("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    reader.press(Keys.TAB)
    assert reader.ask("return document.activeElement.closest('.claim').id") == id
    assert reader.ask("return document.activeElement.tagName") == "A"
    reader.open()
    for _ in range(20):
        reader.press(Keys.TAB)
        if reader.ask("return document.activeElement.name") == "text":
            break
    reader.press(*"selector")
    assert 0 < len(reader.ids) < 30
    assert reader.query["text"] == "selector"


def test_a_mark_tells_what_it_means_to_whom_points_at_it(reader):
    from selenium.webdriver import ActionChains

    reader.open(f"#{FAILED}?lang=zh")
    mark = reader.css(f"#{FAILED} summary .marks .failed")

    ActionChains(reader.driver).move_to_element(mark).perform()

    assert mark.get_attribute("title") == "3.12 uvloop 失败"


def test_what_a_claim_shows_is_made_when_it_comes_near_the_screen_and_before_it_is_printed(reader):
    made = "return [...document.querySelectorAll('.claim[open]')].filter((each) => each.querySelector('h4')).length"
    reader.open("#?rows=all")
    assert reader.ask(made) == 0
    reader.css("#_open").click()
    assert reader.ask("return document.querySelectorAll('.claim[open]').length") == len(CLAIMS)
    wait_until(lambda: reader.ask(made) > 0, "the first claims are made")
    assert reader.ask(made) < len(CLAIMS) / 10
    assert reader.ask("return getComputedStyle(document.querySelector('.claim')).contentVisibility") == "auto"
    last = list(CLAIMS)[-1]
    reader.ask("document.getElementById(arguments[0]).scrollIntoView()", last)
    wait_until(lambda: reader.ask("return document.querySelector(`#${arguments[0]} h4`)", last), "the last is made")

    reader.open("#?section=1.1&rows=all")
    reader.css("#_open").click()
    reader.ask("window.dispatchEvent(new Event('beforeprint'))")
    assert reader.ask(made) == len(ids(lambda claim: claim.section == "1.1"))
    assert reader.driver.execute_cdp_cmd("Page.printToPDF", {})["data"].startswith("JVBERi0")
    reader.css("#_close").click()
    assert reader.ask("return document.querySelectorAll('.claim[open]').length") == 0


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_wider_than_the_screen(reader, width, language):
    browser.sized(reader.driver, width, 800)
    for fragment in ("#?rows=all&", f"#{FAILED}?", f"#{AGREES}?"):
        reader.open(f"{fragment}lang={language}")
        assert reader.ask("return document.documentElement.scrollWidth") <= width
    assert reader.css(f"#{AGREES} .says").rect["width"] > width * 0.4


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("zh", 360)])
def test_axe_finds_nothing_wrong_with_roles_names_and_contrast(reader, scheme, language, width):
    browser.sized(reader.driver, width, 4_000)
    browser.coloured(reader.driver, scheme)
    reader.open(f"#{FAILED}?lang={language}&rows=all")
    # One claim of each kind: axe takes half a minute for all of them, and they are alike.
    verdicts = {claim.verdict: claim.id for claim in CLAIMS.values() if python_of(claim)}
    kept = [FAILED, CRASHED, HUNG, UNVERIFIED, AGREES, *verdicts.values()]
    for_all = "for (const each of document.querySelectorAll('.claim'))"
    reader.ask(f"{for_all} if (!arguments[0].includes(each.id)) each.remove()", kept)
    for summary in reader.driver.find_elements("css selector", "nav summary"):
        summary.click()
    for id in (CRASHED, HUNG):
        reader.css(f"#{id} > summary").click()
    paper = reader.ask("return getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") is (scheme == "light")

    reader.ask((resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = reader.driver.execute_async_script("const done = arguments[0]; axe.run(document).then(done)")

    assert [
        (each["id"], [node["html"][:120] for node in each["nodes"][:3]], each["nodes"][0]["failureSummary"])
        for each in found["violations"]
    ] == []
    passed = {each["id"] for each in found["passes"]}
    assert {"color-contrast", "button-name", "label", "select-name", "landmark-one-main", "aria-roles"} <= passed


def test_nothing_leaves_the_page_even_if_it_is_tried(reader):
    reader.open()
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"http://127.0.0.1:{server.getsockname()[1]}"
        ended = reader.driver.execute_async_script(
            """
            const [place, done] = arguments;
            const image = Object.assign(new Image(), {src: place});
            const script = document.body.appendChild(document.createElement("script"));
            script.textContent = "window.broken = 1";
            image.onerror = () => fetch(place).then(() => done("answered"), (error) => done(error.name));
            """,
            place,
        )
        assert ended == "TypeError"
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()
    refused = " ".join(said["message"] for said in reader.driver.get_log("browser"))
    assert refused.count("Content Security Policy") >= 3
    reader.open()


def test_without_scripts_all_rows_are_there_and_it_says_what_is_missing(reader):
    reader.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        reader.driver.get(reader.address)
        assert len(reader.driver.find_elements("css selector", ".claim")) == len(CLAIMS)
        assert reader.css(f"#{AGREES}").is_displayed()
        assert "need JavaScript" in reader.css("noscript").text
    finally:
        reader.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_it_is_seen_at_once(reader):
    """Not by the clock, which is the machine's: a view with all open is laid out with few of its elements."""
    reader.open("#?rows=all")
    began = time.monotonic()
    reader.css("#_open").click()
    reader.driver.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0]))")
    assert time.monotonic() - began < CEILING
    laid_out = reader.ask(
        "return [...document.querySelectorAll('.claim .says')].filter((each) =>"
        " each.checkVisibility({contentVisibilityAuto: true})).length"
    )
    assert 0 < laid_out < len(CLAIMS) / 4
