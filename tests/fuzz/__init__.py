"""Coverage-guided fuzzing with atheris of what reads hostile text; run by hand.

    pip install atheris
    python -m tests.fuzz TARGET [options of libFuzzer, as -max_total_time=600]

A finding is an exception that racro-eval does not raise on purpose, an answer that breaks a promise
of `targets.py`, or an input that takes longer than 30 seconds. libFuzzer writes it to a file
`crash-*` or `timeout-*`; the same command with that file as its argument repeats it.
"""
