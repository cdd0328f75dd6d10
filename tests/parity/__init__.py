"""Parity with what others say of real rows; skipped where the folder of real data is absent.

agreement.py                measures our verdicts beside the official ones; writes docs/scoring.md
test_official_verdicts.py   those measures have bounds, and every other verdict an explanation
test_official_totals.py     metrics beside official totals
test_gold_answers.py        gold answers against themselves and each other
test_peer_suites.py         the cases of other projects' test suites
"""
