"""What tests/model/mutate changes: found by pattern, not by hand.

orders   an acquire, release or acq_rel becomes weaker
checks   the condition of an if or a loop that looks at an atomic word, or at a
         variable that was assigned from one in the same function, is worked
         out as before, but counts as false, or (if only) as true
wakes    a statement that is a call of something that wakes, publishes or hands
         over is left out
"""
import re

ORDER = re.compile(r"\b((?:load|store|swap|cas|add|or|and)(?:64|p)?)"
                   r"_(acquire|release|acq_rel)\b(?=\()")
WEAKER = {"acquire": ["relaxed"], "release": ["relaxed"],
          "acq_rel": ["acquire", "release"]}

# What looks at an atomic word.
LOOK = (r"\b(?:(?:load|swap|cas|add|or|and)(?:64|p)?_"
        r"(?:relaxed|acquire|release|acq_rel)"
        r"|node_is_done|take|take_out|publish_listed|spin_trylock"
        r"|cancel_is_set|agent_attention|agent_unhindered|agent_id|wheel_next"
        r"|chp__agent_check|chp__wheel_cancel|chp__event_\w+|is_\w+"
        r"|(?!waker_)\w+_is_\w+|has_\w+)\s*\(")
ASSIGNED = re.compile(r"\b(\w+) =(?!=)\s[^;]*?" + LOOK)
EXPECTED = re.compile(r"\bcas\w*\([^;]*?, &(\w+),")
BRANCH = re.compile(r"\b(if|while) \(")

# A call at the start of a statement.  References on wakers are another matter.
CALL = re.compile(
    r"(?:[;{})]|\belse|\bdo)\s*\n[ \t]*(?!waker_re"
    r"|\w+_(?:ref|unref|destroy|op)\()((?:\(\(.*?\)\w+\)->|[\w.>\[\]-]*(?:->|\.))?"
    r"(?:\w*(?:wake|unpark|publish|claim|event_set|hand|grant|serve|settle"
    r"|notify|signal|expire|deliver|give)\w*|earlier|run|ready|closed)"
    r"\([^;{}]*\);)")


def without_comments(text):
    """The same, at the same offsets; preprocessor lines blank as well."""
    blank = lambda m: re.sub(r"\S", " ", m.group())
    text = re.sub(r"/\*.*?\*/", blank, text, flags=re.S)
    return re.sub(r"^#(?:.*\\\n)*.*$", blank, text, flags=re.M)


def closing(code, at):
    """The offset of the parenthesis that closes the one at `at`."""
    depth = 0
    for i in range(at, len(code)):
        depth += {"(": 1, ")": -1}.get(code[i], 0)
        if depth == 0:
            return i
    return at


def functions(code):
    """(start, end) of each body."""
    return [m.span() for m in re.finditer(r"^\{\n.*?^\}", code, re.M | re.S)]


def orders(code):
    for m in ORDER.finditer(code):
        for order in WEAKER[m.group(2)]:
            weaker = f"{m.group(1)}_{order}"
            yield m.start(), m.end(), weaker, f"{m.group()} -> {weaker}"


def checks(code):
    for start, end in functions(code):
        body = code[start:end]
        seen = set(ASSIGNED.findall(body) + EXPECTED.findall(body))
        about = re.compile("|".join(
            [LOOK] + [rf"(?<![\w.>]){name}(?!\w)" for name in sorted(seen)]))
        for m in BRANCH.finditer(body):
            at, to = m.end() - 1, closing(body, m.end() - 1)
            condition = body[at:to + 1]
            if not about.search(condition):
                continue
            for value in "01" if m.group(1) == "if" else "0":
                yield (start + at, start + to + 1,
                       f"(((void){condition}, {value}))",
                       f"{m.group(1)} -> {value}")


def wakes(code):
    for start, end in functions(code):
        at = start
        while m := CALL.search(code, at, end):
            yield m.start(1), m.end(1), "(void)0;", "call left out"
            at = m.end(1) - 1  # it may be what the next one stands after


KINDS = {"orders": orders, "checks": checks, "wakes": wakes}


class Mutant:
    def __init__(self, path, text, kind, start, end, new, what):
        self.path, self.kind, self.what = path, kind, what
        self.text = text[:start] + new + text[end:]
        self.number = text.count("\n", 0, start) + 1
        self.line = text.split("\n")[self.number - 1].strip()

    def __str__(self):
        return f"{self.path}:{self.number}: {self.line}: {self.what}"

    def key(self):
        """How survivors.txt names it: by its text, not its number."""
        return f"{self.path}: {self.line}: {self.what}"


def mutants(path, text, kinds):
    code = without_comments(text)
    return [Mutant(path, text, kind, *m) for kind in KINDS if kind in kinds
            for m in sorted(KINDS[kind](code))]
