"""Reads a normalised formula into a tree of terms. No code is run, and no algebra system is needed.

A term is a head with its parts. The heads are `number`, `symbol`, `+`, `*`, `/`, `^`, `!`, `root`,
`abs`, `floor`, `ceil`, `binom`, `log`, `max`, `min`, `sum`, `prod`, `apply` (an unknown function),
and the names of elementary functions. Adjacent letters are a product, `1/2x` is read from left to
right, and `2\\frac{1}{2}` is a mixed number.
"""

from __future__ import annotations

from racro_eval.grading.maths.terms import (
    ELEMENTARY,
    GREEK,
    INVERSE,
    UNKNOWN_FUNCTIONS,
    Term,
    is_mixed_number,
    number,
)
from racro_eval.grading.maths.tokens import (
    CLOSING,
    NotFormula,
    TokenReader,
    is_number,
    number_value,
    tokens_of,
)

MAX_DEPTH = 90
MAX_ARGUMENTS = 8
MAX_CHAIN = 40


def read_formula(text: str) -> Term:
    """The tree of normalised `text`. Raises NotFormula or NeedsAlgebra."""
    return _FormulaReader(tokens_of(text)).formula()


class _FormulaReader(TokenReader):
    """Recursive descent that returns terms."""

    def __init__(self, tokens: list[str]) -> None:
        super().__init__(tokens)
        self.depth, self.open_bars = 0, 0
        self.bound: set[str] = set()  # running indices of sums
        self.capital = False  # whether I stands for i, as in e^{I x}

    def formula(self) -> Term:
        """The term of all tokens."""
        result = self._sum()
        self.require_end()
        return result

    def _sum(self) -> Term:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotFormula("nested too deeply")
        terms = [self._product()]
        while self.peek() in ("+", "-"):
            minus = self.take() == "-"
            term = self._product()
            terms.append(Term("*", (number(-1), term)) if minus else term)
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Term("+", tuple(terms))

    def _product(self) -> Term:
        factors, divisions = [self._signed()], 0
        while True:
            token = self.peek()
            if token == "*":
                self.take()
                factors.append(self._signed())
            elif token == "/":
                self.take()
                divisions += 1
                if divisions > MAX_CHAIN:
                    raise NotFormula("too many divisions")
                factors = [Term("/", (_product_of(factors), self._signed()))]
            elif self._starts_factor(token):
                factor = self._power()
                if factors[-1].head == "number" and is_mixed_number(factors[-1].value, factor):
                    factor = Term("+", (factors.pop(), factor))
                factors.append(factor)
            else:
                return _product_of(factors)

    def _starts_factor(self, token: str) -> bool:
        if token == "|":
            return self.open_bars == 0
        # A number is not an implicit factor after a letter: `x2` is a misspelling.
        return bool(token) and (
            token[0].isalpha()
            or token in ("(", "{", "[")
            or (token[0] == "\\" and token not in (r"\rfloor", r"\rceil"))
            or (token[0].isdigit() and self.tokens[self.position - 1] in ("}", ")", "!"))
        )

    def _signed(self) -> Term:
        token = self.peek()
        if token in ("+", "-"):
            self.take()
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise NotFormula("too many signs")
            inner = self._signed()
            self.depth -= 1
            return inner if token == "+" else Term("*", (number(-1), inner))
        return self._power()

    def _power(self) -> Term:
        result = self._atom()
        for _ in range(MAX_CHAIN):
            token = self.peek()
            if token == "!":
                result = Term("!", (result,))
            elif token == "°":
                result = Term("*", (result, Term("/", (Term("pi"), number(180)))))
            elif token == "^":
                self.take()
                capital, self.capital = self.capital, self.capital or result.head == "e"
                result = Term("^", (result, self._exponent()))
                self.capital = capital
                continue
            else:
                return result
            self.take()
        raise NotFormula("too many powers")

    def _exponent(self) -> Term:
        if self.peek() in ("+", "-"):
            return self._signed()
        return self._group("{") if self.peek() == "{" else self._atom()

    def _atom(self) -> Term:
        token = self.take()
        if is_number(token):
            return number(number_value(token))
        if token in CLOSING:
            self.position -= 1
            return self._group(token)
        if token == "|":
            self.open_bars += 1
            inner = self._sum()
            self.open_bars -= 1
            self.take("|")
            return Term("abs", (inner,))
        if token.isalpha():
            return self._letter(token)
        if token[0] == "\\":
            return self._command(token[1:])
        raise NotFormula(token)

    def _group(self, opening: str) -> Term:
        self.take(opening)
        open_bars, self.open_bars = self.open_bars, 0
        inner = self._sum()
        self.open_bars = open_bars
        self.take(CLOSING[opening])
        return inner

    def _letter(self, letter: str) -> Term:
        name = letter + self._index()
        while self.peek() == "'":
            name += self.take()
        if name in UNKNOWN_FUNCTIONS and self.peek() == "(":
            return Term("apply", (self._group("("),), name=name)
        if name in self.bound:
            return Term("symbol", name=name)
        if name in ("i", "e") or (name == "I" and self.capital):
            return Term(name.lower())
        return Term("symbol", name=name)

    def _index(self) -> str:
        """An index such as `_{n+1}`, as written: it is a part of the name. "" without an index."""
        if self.peek() != "_":
            return ""
        self.take()
        if self.peek() != "{":
            return f"_{{{self.take().lstrip(chr(92))}}}"
        text, depth = "", 0
        while True:
            token = self.take()
            depth += (token == "{") - (token == "}")
            text += token.lstrip("\\")
            if depth == 0:
                return f"_{text}"

    def _command(self, name: str) -> Term:
        if name == "pi":
            return Term("pi") if self.peek() != "_" else Term("symbol", name="pi" + self._index())
        if GREEK.fullmatch(name):
            return Term("symbol", name=name + self._index())
        if name == "frac":
            return Term("/", (self._group("{"), self._group("{")))
        if name == "binom":
            return Term("binom", (self._group("{"), self._group("{")))
        if name == "sqrt":
            degree = self._group("[") if self.peek() == "[" else number(2)
            return Term("root", (self._argument(), degree))
        if name in ("lfloor", "lceil"):
            inner = self._sum()
            self.take(rf"\r{name[1:]}")
            return Term(name[1:], (inner,))
        if name in ("sum", "prod"):
            return self._series(name)
        if name in ("max", "min"):
            return Term(name, self._arguments())
        if name in ("log", "lg") or name in ELEMENTARY:
            return self._function(name)
        raise NotFormula(name)

    def _argument(self) -> Term:
        return self._group("{") if self.peek() == "{" else self._atom()

    def _arguments(self) -> tuple[Term, ...]:
        opening = self.take()
        if opening == "\\{" or opening not in CLOSING:
            raise NotFormula(opening)
        parts = [self._sum()]
        while self.peek() == "," and len(parts) < MAX_ARGUMENTS:
            self.take()
            parts.append(self._sum())
        self.take(CLOSING[opening])
        return tuple(parts)

    def _function(self, name: str) -> Term:
        base = number(10)
        if name == "log" and self.peek() == "_":
            self.take()
            base = self._argument()
        power = None
        if self.peek() == "^":
            self.take()
            power = self._exponent()
        if power is not None and power == Term("*", (number(-1), number(1))) and name in INVERSE:
            name, power = INVERSE[name], None
        inner = self._function_argument()
        call = Term("log", (inner, base)) if name in ("log", "lg") else Term(name, (inner,))
        return call if power is None else Term("^", (call, power))

    def _function_argument(self) -> Term:
        """A function's argument: in brackets, or the factors up to the next sign or function."""
        if self.peek() in CLOSING:
            return self._group(self.peek())
        if self.peek() == "-":
            return self._signed()
        factors = [self._power()]
        while self._starts_factor(self.peek()) and self.peek() not in CLOSING:
            name = self.peek()[1:] if self.peek()[0] == "\\" else ""
            if name in ELEMENTARY or name in ("log", "lg", "sum", "prod"):
                break
            factors.append(self._power())
        return _product_of(factors)

    def _series(self, head: str) -> Term:
        """`\\sum_{k=1}^{n} body`; the parts of the term are first and last index, and the body."""
        self.take("_")
        self.take("{")
        index = self._atom()
        self.take("=")
        first = self._sum()
        self.take("}")
        self.take("^")
        last = self._exponent()
        name = index.name or index.head
        if index.head not in ("symbol", "i"):
            raise NotFormula("no index of summation")
        outer = set(self.bound)
        self.bound.add(name)
        body = self._product()
        self.bound = outer
        return Term(head, (first, last, body), name=name)


def _product_of(factors: list[Term]) -> Term:
    return factors[0] if len(factors) == 1 else Term("*", tuple(factors))
