"""Architectures of timm, made small by their own options."""

from __future__ import annotations

from typing import Any

import timm
from timm.layers import GatedMlp
from timm.models.convmixer import ConvMixer
from timm.models.metaformer import MetaFormer, Pooling
from timm.models.mlp_mixer import MlpMixer, ResBlock, SpatialGatingBlock
from torch import nn

from entry import Entry, entries, images

ZOO: list[Entry] = []
entry = entries("timm", ZOO)

ANY = images(64, 64, other=(96, 80))  # for networks that take pictures of any size
HALVED = images(64, 64, other=(128, 96))  # for those that halve it five times, without a remainder
BATCH = images()  # for those that take one size


def net(name: str, **options: Any) -> nn.Module:
    return timm.create_model(name, pretrained=False, num_classes=20, **options)


@entry(BATCH)
def mixer() -> nn.Module:
    return MlpMixer(num_classes=20, img_size=64, patch_size=16, num_blocks=2, embed_dim=48)


@entry(BATCH)
def gmlp() -> nn.Module:
    return MlpMixer(
        num_classes=20,
        img_size=64,
        num_blocks=2,
        embed_dim=48,
        mlp_ratio=6,
        block_layer=SpatialGatingBlock,
        mlp_layer=GatedMlp,
    )


@entry(BATCH)
def resmlp() -> nn.Module:
    return MlpMixer(num_classes=20, img_size=64, num_blocks=2, embed_dim=48, block_layer=ResBlock, mlp_ratio=4)


@entry(ANY)
def poolformer() -> nn.Module:
    return MetaFormer(num_classes=20, depths=(1, 1, 1, 1), dims=(16, 32, 40, 48), token_mixers=Pooling)


@entry(BATCH)
def beit() -> nn.Module:
    return net("beit_base_patch16_224", img_size=64, embed_dim=48, depth=2, num_heads=4)


@entry(BATCH)
def eva02() -> nn.Module:
    return net("eva02_tiny_patch14_224", img_size=64, patch_size=16, embed_dim=48, depth=2, num_heads=4)


@entry(BATCH)
def deit3() -> nn.Module:
    return net("deit3_small_patch16_224", img_size=64, embed_dim=48, depth=2, num_heads=4)


@entry(BATCH)
def cait() -> nn.Module:
    return net("cait_xxs24_224", img_size=64, embed_dim=48, depth=2, num_heads=4)


@entry(BATCH)
def xcit() -> nn.Module:
    return net("xcit_nano_12_p16_224", img_size=64, embed_dim=48, depth=2, num_heads=4)


@entry(BATCH)
def pit() -> nn.Module:
    return net("pit_ti_224", img_size=64, base_dims=(12, 12, 12), depth=(1, 1, 1))


@entry(BATCH)
def levit() -> nn.Module:
    return net("levit_128s", img_size=64)


@entry(BATCH)
def twins() -> nn.Module:
    return net("twins_svt_small", img_size=64, embed_dims=(16, 32, 48, 64), depths=(1, 1, 2, 1), wss=(2, 2, 2, 2))


@entry(BATCH)
def coatnet() -> nn.Module:
    return net("coatnet_nano_rw_224", img_size=64)


@entry(BATCH)
def mobilevit() -> nn.Module:
    return net("mobilevit_xxs")


@entry(ANY)
def ghostnet() -> nn.Module:
    return net("ghostnet_050")


@entry(ANY)
def repvgg() -> nn.Module:
    return net("repvgg_a0")


@entry(HALVED)
def hrnet() -> nn.Module:
    return net("hrnet_w18_small")


@entry(ANY)
def edgenext() -> nn.Module:
    return net("edgenext_xx_small")


@entry(ANY)
def fastvit() -> nn.Module:
    return net("fastvit_t8")


@entry(ANY)
def convmixer() -> nn.Module:
    return ConvMixer(48, 3, kernel_size=5, patch_size=4, num_classes=20)


@entry(ANY)
def nfnet() -> nn.Module:
    return net("dm_nfnet_f0")


@entry(ANY)
def resnest() -> nn.Module:
    return net("resnest14d")


@entry(ANY)
def res2net() -> nn.Module:
    return net("res2net50_26w_4s")


@entry(ANY)
def skresnet() -> nn.Module:
    return net("skresnet18")


@entry(HALVED)
def dla() -> nn.Module:
    return net("dla46_c")


@entry(ANY)
def vovnet() -> nn.Module:
    return net("ese_vovnet19b_slim")


@entry(ANY)
def dpn() -> nn.Module:
    return net("dpn48b")


@entry(ANY)
def inception_next() -> nn.Module:
    return net("inception_next_atto")
