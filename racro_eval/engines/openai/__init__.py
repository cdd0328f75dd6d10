"""The engine `openai`: any server with OpenAI's chat API, over HTTP."""

DEFAULT_WAIT_S = 180.0
"""How long to wait for a server that does not answer, without the option `wait_s`."""
