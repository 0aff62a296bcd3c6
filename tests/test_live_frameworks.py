"""The callbacks, in the real Lightning and the real Hugging Face Trainer."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

from tests.foreign_networks import CLASSES, Functional, hooks_of

N, STEPS = 64, 8


def data() -> TensorDataset:
    generator = torch.Generator().manual_seed(0)
    return TensorDataset(torch.randn(N, 6, generator=generator), torch.randint(0, CLASSES, (N,), generator=generator))


def lightning_fit(monitored: bool, tmp_path: Path, calls_parts: bool = False, **options: Any) -> tuple[nn.Module, Any]:
    lightning = pytest.importorskip("lightning.pytorch", reason="Lightning is not installed")
    from vgp_bench.live.lightning import SignalFlow

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.net = Functional()

        def forward(self, x: Tensor) -> Tensor:
            return self.net(x)

        def training_step(self, batch: Any, index: int) -> Tensor:
            return F.cross_entropy(self.net(batch[0]) if calls_parts else self(batch[0]), batch[1])

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("validation_loss", F.cross_entropy(self(batch[0]), batch[1]))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=0.01)

    module, callback = Module(), SignalFlow(dense_steps=3, every=4, overhead=None)
    torch.manual_seed(1)
    trainer = lightning.Trainer(
        max_steps=STEPS,
        accelerator="cpu",
        callbacks=[callback] if monitored else [],
        default_root_dir=tmp_path,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )
    trainer.fit(module, DataLoader(data(), batch_size=16), DataLoader(data(), batch_size=16))
    return module, callback.monitor


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("options", [{}, {"accumulate_grad_batches": 2}, {"precision": "bf16-mixed"}])
def test_lightning(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: dict[str, Any]) -> None:
    bare, _ = lightning_fit(False, tmp_path, **options)
    assert "verdict" not in capsys.readouterr().out
    watched, monitor = lightning_fit(True, tmp_path, **options)
    for one, two in zip(bare.parameters(), watched.parameters(), strict=True):
        assert torch.equal(one, two)
    tables = monitor.tables
    assert tables["probes"].name.unique().tolist() == ["net.fc1", "net.fc2", "net.fc3"]
    assert sorted(set(tables["probes"].step)) == [0, 1, 2, 4]
    assert (tables["probes"].sensitivity > 0).all()
    assert (tables["layers"].update_ratio > 0).all()
    assert tables["steps"].step.tolist() == list(range(STEPS))
    assert tables["steps"].loss.between(1.0, 2.5).all()  # ln 5 = 1.6, whatever it is divided by
    assert "verdict" in capsys.readouterr().out
    assert hooks_of(watched) == 0


@pytest.mark.filterwarnings("ignore")
def test_lightning_where_training_step_never_calls_the_module_itself(tmp_path: Path) -> None:
    _, monitor = lightning_fit(True, tmp_path, calls_parts=True)
    assert sorted(set(monitor.tables["probes"].step)) == [0, 1, 2, 4]


class Rows(Dataset[dict[str, Tensor]]):
    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(index)
        ids = torch.randint(5, 40, (6,), generator=generator)
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids[0] % 2}


def hugging_face_train(model: nn.Module, monitored: bool, tmp_path: Path, **options: Any) -> Any:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    from vgp_bench.live.huggingface import SignalFlow

    callback = SignalFlow(dense_steps=3, every=4, overhead=None)
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=STEPS,
        per_device_train_batch_size=8,
        report_to=[],
        use_cpu=True,
        save_strategy="no",
        disable_tqdm=True,
        seed=3,
        **options,
    )
    trainer = transformers.Trainer(
        model=model, args=arguments, train_dataset=Rows(), callbacks=[callback] if monitored else []
    )
    trainer.train()
    return callback.monitor


def small_bert() -> nn.Module:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    return transformers.BertForSequenceClassification(transformers.BertConfig(vocab_size=40, **sizes))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("options", [{}, {"gradient_accumulation_steps": 2}, {"gradient_checkpointing": True}])
def test_hugging_face(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: dict[str, Any]) -> None:
    model = small_bert()
    twin = copy.deepcopy(model)
    hugging_face_train(model, False, tmp_path, **options)
    monitor = hugging_face_train(twin, True, tmp_path, **options)
    for one, two in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(one, two)
    tables = monitor.tables
    names = tables["probes"].name.unique().tolist()
    assert names[-4:] == ["bert.encoder.layer.0", "bert.encoder.layer.1", "bert.pooler.dense", "classifier"]
    first = tables["probes"][tables["probes"].step == 0].set_index("name").depth
    # query, key and value stand side by side: then values, output, two of the perceptron
    assert first["bert.encoder.layer.1"] - first["bert.encoder.layer.0"] == 4
    assert sorted(set(tables["probes"].step)) == [0, 1, 2, 4]
    assert (tables["probes"][tables["probes"].name.isin(names[-4:])].sensitivity > 0).all()
    assert tables["steps"].step.tolist() == list(range(STEPS))
    assert tables["steps"].loss.between(0.1, 2).all()
    assert "verdict" in capsys.readouterr().out
    assert not any("watching" in str(hook) for m in twin.modules() for hook in m._forward_pre_hooks.values())
