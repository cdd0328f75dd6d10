"""Why a text ended: from the finish reasons of servers and of vLLM to our two, "stop" and "length".

A text is complete ("stop") or truncated by a limit ("length") only if its reason is known here. Any
other reason, or none, is a failure: the text may be incomplete, and no row is guessed to be whole.
"""

from __future__ import annotations

from racro_eval.engines.failures import one_line
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


def finish_reason(reason: object) -> str:
    """ "stop" or "length" for a finish reason of a server or of vLLM, in upper or lower case.

    Raises DataError, a sentence that names the reason, for any other and for None.
    """
    if reason is None or reason == "":
        raise DataError("The answer has no finish reason, so it may not be complete.")
    word = str(reason).strip().lower().replace("-", "_") if isinstance(reason, str) else None
    if word in _STOP:
        return "stop"
    if word in _LENGTH:
        return "length"
    shown = one_line(str(reason), 80)
    raise DataError(f"The answer is not complete: its finish reason is '{shown}'.")
