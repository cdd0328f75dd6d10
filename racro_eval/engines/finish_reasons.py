"""Why a text ended, from the words of servers and of vLLM to the two of our own.

A text is complete ("stop") or cut by a limit ("length") only if the word for it is known here.
Every other end, and one that nobody names, is a failure: what came so far is not what the model
would have said, and no row is guessed to be complete.
"""

from __future__ import annotations

from racro_eval.engines.quoting import quoted
from racro_eval.errors import DataError

_STOP = {
    "stop",  # OpenAI, vLLM, SGLang, llama.cpp, Gemini
    "eos",
    "eos_token",  # TGI
    "end_turn",  # Anthropic
    "stop_sequence",  # Anthropic, TGI
    "complete",  # Cohere
}
_LENGTH = {
    "length",  # OpenAI, vLLM, TGI
    "limit",  # llama.cpp
    "max_length",
    "max_tokens",  # Anthropic, Cohere, Gemini
    "max_new_tokens",
    "max_output_tokens",
    "max_completion_tokens",
    "model_length",  # Mistral
    "context_length",
    "model_context_window_exceeded",  # Anthropic
}


def finish_reason(said: object) -> str:
    """ "stop" or "length" for the word that a server or vLLM ends a text with, in any case.

    Raises DataError, a sentence that names the word, for any other end and for none.
    """
    if said is None or said == "":
        raise DataError("Nothing says why the answer ended, so it may not be complete.")
    word = str(said).strip().lower().replace("-", "_") if isinstance(said, str) else None
    if word in _STOP:
        return "stop"
    if word in _LENGTH:
        return "length"
    raise DataError(
        f"The answer is not complete: it ended for the reason {quoted(str(said), 80)!r}."
    )
