"""How the demo's models were made: `python -m racro_eval.demo.train` makes them again.

chains.py     the texts that the models learn to write
lessons.py    the prompts of the pipeline, each with the text that should follow
tokenizer.py  bytes, and the phrases that occur all the time
batches.py    from lessons to tensors
models.py     the three architectures
forward.py    their forward pass, fast on small batches of small models
loop.py       optimizer, schedule, checkpoints
recipes.py    who learns what, for how long
export.py     the folders that transformers and vLLM load
evaluate.py   the pipeline itself, on the Demo benchmark

Only this package of the demo imports torch.
"""
