"""The engine `openai`: any server that speaks OpenAI's chat API, over HTTP."""
