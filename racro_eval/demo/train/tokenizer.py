"""The tokenizer: a token for each byte, and one for each frequent phrase.

With a token per sentence of a prompt, a chat has 30 to 70 tokens instead of 1500. All other text
takes a token per byte, so any text can be encoded, and a digit or the name of a bar is always the
same token, which a small model needs in order to copy it.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from racro_eval.data.questions import SHORT_ANSWER
from racro_eval.demo.problems import COLOURS, KINDS
from racro_eval.demo.train.chains import VAGUE
from racro_eval.demo.train.lessons import PROMPT_SETS
from racro_eval.prompting import load_prompts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, EOS = "<|endoftext|>", "<|im_end|>"
IMAGE = "<|image_pad|>"
CONTROL = (
    PAD,
    "<|im_start|>",
    EOS,
    "<|vision_start|>",
    "<|vision_end|>",
    IMAGE,
    "<|video_pad|>",
)
CONTEXT = 2048
"""The most tokens of prompt and answer together."""

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Qwen's layout. A content is a text, or a list of images and texts."""

_QUESTIONS = """
What is the sum of the largest and the smallest bar?
What is the difference between the largest and the smallest bar?
What is the total of all bars?
Add up all the bars.
What is the value of the expression?
Calculate the expression in the image.
What is the value of x in degrees?
Find the angle x in the triangle.
""".strip().split("\n")
_PARTS = (
    *("How many ", " shapes are in the picture?", "s are in the picture?"),
    *("Count the ", " shapes.", "s.", "Which bar is the ", "largest", "smallest"),
    *("Question: ", "\nOptions:\nA. ", "\nB. ", "\nC. ", "\nD. ", f"\n{SHORT_ANSWER}"),
    "\nPlease select the correct answer from the options above.",
    *("The shapes are ", "The bar chart shows ", "The image shows the expression "),
    *("The triangle has angles ", ". From the picture I get ", "The values are not given"),
    *(". The answer is \\boxed{", " is option ", ". \\boxed{", "unknown"),
    *(", so I keep the tentative response", ", ", "; ", ". ", ": ", ": so far ", " to ", " with "),
    *(" yes ", " no ", " no, ", " yes. "),
)
"""Parts of questions, captions and solutions. Phrases must not overlap in a text: the tokenizer
takes the first phrase, and of several at the same place the longest."""


def phrases() -> list[str]:
    """The phrases with their own token: of the prompt sets, the questions and the answers."""
    texts = ["system\n", "user\n", "assistant\n", *_prompt_phrases()]
    texts += [*_QUESTIONS, *_PARTS, *COLOURS, *KINDS, *VAGUE.values()]
    return list(dict.fromkeys(texts))


def _prompt_phrases() -> list[str]:
    """System prompts, and the text between the fields of every user template."""
    texts: list[str] = []
    for name in PROMPT_SETS:
        for template in load_prompts(name).templates.values():
            texts += [template.system or ""]
            texts += [text for text, *_ in string.Formatter().parse(template.user)]
    return [text for text in texts if len(text) > 1]


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Control tokens come first, then the 256 bytes, then the phrases."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate((*CONTROL, *alphabet))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(CONTROL))
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in phrases()])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=EOS,
        pad_token=PAD,
        additional_special_tokens=list(CONTROL),
        chat_template=CHAT_TEMPLATE,
        model_max_length=CONTEXT,
    )
