"""PyTorch by torch.onnx (dynamo, onnxscript)."""

import io

import numpy as np
import onnx
import torch
from torch import nn

from tests.models.export.keep import keep, wide

OPSET = 18
ROWS = 150


class Recommender(nn.Module):
    """P(click) of a user and an item: ids → embeddings → a number."""

    def __init__(self) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(50, 6), nn.Embedding(30, 6)
        self.score = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 1), nn.Sigmoid())

    def forward(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        return self.score(torch.cat([self.users(user), self.items(item)], dim=1)).squeeze(1)


class Digits(nn.Module):
    """Logits of four classes from an image of one channel, 8 by 8."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32, 4),
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.layers(image)


class Reader(nn.Module):
    """P of three classes from 12 token ids, 0 being padding, by one layer of attention."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(64, 16, padding_idx=0), nn.Parameter(torch.randn(12, 16) * 0.1)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        seen = self.layer(self.tokens(tokens) + self.places)
        return torch.softmax(self.head(seen.mean(dim=1)), dim=1)


def export() -> None:
    torch.set_num_threads(1)
    draw = np.random.default_rng(5)
    users, items = draw.integers(0, 50, ROWS), draw.integers(0, 30, ROWS)
    _keep("embeddings", Recommender, {"user": users, "item": items}, "click")
    _keep("cnn", Digits, {"image": draw.random((ROWS, 1, 8, 8)).astype(np.float32)}, "logits")
    _keep("transformer", Reader, {"tokens": draw.integers(0, 64, (ROWS, 12))}, "probabilities")


def _keep(name: str, kind: type[nn.Module], rows: dict[str, np.ndarray], output: str) -> None:
    torch.manual_seed(7)  # weights as they are drawn: what is learnt makes no difference to the arithmetic
    model = kind().eval()
    feed = tuple(torch.from_numpy(values) for values in rows.values())
    with torch.no_grad():
        answer = model(*feed).numpy()
    expected = {output: answer} if answer.ndim == 1 else wide(output, answer)
    keep(f"torch_{name}", _onnx(model, feed, list(rows), output), rows, expected)


def _onnx(model: nn.Module, feed: tuple[torch.Tensor, ...], inputs: list[str], output: str) -> onnx.ModelProto:
    rows = torch.export.Dim("rows")
    program = torch.onnx.export(
        model,
        feed,
        dynamo=True,
        input_names=inputs,
        output_names=[output],
        opset_version=OPSET,
        dynamic_shapes=tuple({0: rows} for _ in feed),
        external_data=False,
        verbose=False,
    )
    buffer = io.BytesIO()
    program.save(buffer)
    return _bare(onnx.load_from_string(buffer.getvalue()))


def _bare(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without the traces of the exporter, which hold paths of the machine."""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for values in (model.graph.value_info, model.graph.input, model.graph.output, model.graph.initializer):
        for value in values:
            del value.metadata_props[:]
            value.doc_string = ""
    del model.graph.metadata_props[:]
    return model
