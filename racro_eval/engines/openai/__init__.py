"""The engine `openai`: any server with OpenAI's chat API, over HTTP."""
