"""How the demo's models were made: `python -m racro_eval.demo.train` makes them again.

chains.py     the texts that the models learn to write
lessons.py    training examples: the prompts of the pipeline, each with the right answer
tokenizer.py  bytes, and the frequent phrases
batches.py    from lessons to tensors
models.py     the three architectures
forward.py    their forward pass, fast for small models and batches
loop.py       optimizer, schedule, checkpoints
recipes.py    what each model learns, and for how long
export.py     model folders for transformers and vLLM
evaluate.py   scores on the Demo benchmark, through the pipeline

Only this package of the demo imports torch.
"""
