"""Architectures of torchvision: classification, segmentation, detection, video, optical flow."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision import models as tv
from torchvision.models import detection, optical_flow, segmentation, video
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.convnext import CNBlockConfig, ConvNeXt
from torchvision.models.densenet import DenseNet
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.maxvit import MaxVit
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.models.segmentation.fcn import FCN, FCNHead
from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformer, SwinTransformerBlockV2
from torchvision.models.video.swin_transformer import SwinTransformer3d
from torchvision.models.vision_transformer import VisionTransformer

from entry import Entry, Flat, Input, entries, images

ZOO: list[Entry] = []
entry = entries("torchvision", ZOO)

ANY = images(64, 64, other=(96, 80))  # for networks that take pictures of any size
BATCH = images()  # for those that take one size


@entry(images(224, 224))
def alexnet() -> nn.Module:
    return tv.alexnet(num_classes=20)


@entry(images(224, 224))
def vgg11_bn() -> nn.Module:
    net = tv.vgg11_bn(num_classes=20)
    net.classifier = nn.Linear(512 * 49, 20)
    return net


@entry(ANY)
def resnet18() -> nn.Module:
    return tv.resnet18(num_classes=20)


@entry(ANY)
def resnext_bottleneck() -> nn.Module:
    return ResNet(Bottleneck, [1, 1, 1, 1], num_classes=20, groups=8, width_per_group=4)


@entry(ANY)
def mobilenet_v2() -> nn.Module:
    return tv.mobilenet_v2(num_classes=20, width_mult=0.5)


@entry(ANY)
def mobilenet_v3_small() -> nn.Module:
    return tv.mobilenet_v3_small(num_classes=20)


@entry(ANY)
def efficientnet_b0() -> nn.Module:
    return tv.efficientnet_b0(num_classes=20)


@entry(ANY)
def efficientnet_v2_s() -> nn.Module:
    return tv.efficientnet_v2_s(num_classes=20)


@entry(ANY)
def convnext() -> nn.Module:
    return ConvNeXt([CNBlockConfig(24, 48, 1), CNBlockConfig(48, 96, 2), CNBlockConfig(96, None, 1)], num_classes=20)


@entry(BATCH)
def swin() -> nn.Module:
    return SwinTransformer([4, 4], 24, [2, 2], [2, 4], [4, 4], num_classes=20)


@entry(BATCH)
def swin_v2() -> nn.Module:
    return SwinTransformer(
        [4, 4],
        24,
        [2, 2],
        [2, 4],
        [4, 4],
        num_classes=20,
        block=SwinTransformerBlockV2,
        downsample_layer=PatchMergingV2,
    )


@entry(BATCH)
def vit() -> nn.Module:
    return VisionTransformer(64, 16, num_layers=2, num_heads=4, hidden_dim=48, mlp_dim=96, num_classes=20)


@entry(BATCH)
def maxvit() -> nn.Module:
    return MaxVit(
        (64, 64),
        stem_channels=16,
        partition_size=2,
        block_channels=[16, 32],
        block_layers=[1, 2],
        head_dim=8,
        stochastic_depth_prob=0.0,
        num_classes=20,
    )


@entry(ANY)
def regnet_y_400mf() -> nn.Module:
    return tv.regnet_y_400mf(num_classes=20)


@entry(ANY)
def regnet_x_400mf() -> nn.Module:
    return tv.regnet_x_400mf(num_classes=20)


@entry(ANY)
def densenet() -> nn.Module:
    return DenseNet(12, (2, 3, 3, 2), 24, num_classes=20)


@entry(ANY)
def shufflenet_v2() -> nn.Module:
    return tv.shufflenet_v2_x0_5(num_classes=20)


@entry(ANY)
def squeezenet() -> nn.Module:
    return tv.squeezenet1_1(num_classes=20)


@entry(images(96, 96, other=(128, 107)))
def inception_v3() -> nn.Module:
    return tv.inception_v3(num_classes=20, aux_logits=False, init_weights=False, transform_input=True)


@entry(ANY)
def googlenet() -> nn.Module:
    return tv.googlenet(num_classes=20, aux_logits=False, init_weights=False)


@entry(ANY)
def mnasnet() -> nn.Module:
    return tv.mnasnet0_5(num_classes=20)


@entry(ANY)
def fcn_resnet() -> nn.Module:
    backbone = IntermediateLayerGetter(ResNet(BasicBlock, [1, 1, 1, 1]), {"layer4": "out", "layer3": "aux"})
    return Flat(FCN(backbone, FCNHead(512, 6), FCNHead(256, 6)), ["x"])


@entry(ANY)
def deeplabv3_mobilenet() -> nn.Module:
    net = segmentation.deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=6)
    return Flat(net, ["x"])


@entry(ANY)
def lraspp_mobilenet() -> nn.Module:
    net = segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=6)
    return Flat(net, ["input"])


@entry(ANY)
def resnet_fpn() -> nn.Module:
    return Flat(resnet_fpn_backbone(backbone_name="resnet18", weights=None), ["x"])


class Detector(nn.Module):
    """A detector takes a list of pictures and gives a dictionary for each; here it is given one picture.

    Its boxes are in pixels, and given as fractions of 128 of them, so that all outputs are of the same order.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        found = self.net([picture])
        if isinstance(found, tuple):  # scripted detectors give the losses too
            found = found[1]
        return found[0]["boxes"] / 128, found[0]["scores"], found[0]["labels"]


PICTURE = Input("x", (3, 96, 128), (3, 120, 100), picture=True)


@entry(PICTURE)
def ssdlite_mobilenet() -> nn.Module:
    net = detection.ssdlite320_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=4, detections_per_img=20, topk_candidates=40
    )
    return Detector(net)


@entry(PICTURE)
def faster_rcnn_mobilenet() -> nn.Module:
    net = detection.fasterrcnn_mobilenet_v3_large_320_fpn(
        weights=None, weights_backbone=None, num_classes=4, min_size=96, max_size=160, box_detections_per_img=20
    )
    return Detector(net)


@entry(PICTURE)
def retinanet() -> nn.Module:
    backbone = resnet_fpn_backbone(backbone_name="resnet18", weights=None, returned_layers=[2, 3, 4])
    anchors = detection.anchor_utils.AnchorGenerator(
        tuple((s, int(s * 1.26), int(s * 1.59)) for s in (16, 32, 64, 128)), ((0.5, 1.0, 2.0),) * 4
    )
    return Detector(
        detection.RetinaNet(backbone, 4, min_size=96, max_size=160, anchor_generator=anchors, detections_per_img=20)
    )


@entry(Input("x", (2, 3, 4, 32, 32), (3, 3, 6, 40, 48)))
def r2plus1d() -> nn.Module:
    conv = [video.resnet.Conv2Plus1D] * 4
    return video.resnet.VideoResNet(
        video.resnet.BasicBlock, conv, [1, 1, 1, 1], video.resnet.R2Plus1dStem, num_classes=20
    )


@entry(Input("x", (2, 3, 4, 32, 32), (3, 3, 4, 32, 32)))
def swin3d() -> nn.Module:
    return SwinTransformer3d([2, 4, 4], 24, [2, 2], [2, 4], [2, 4, 4], num_classes=20)


class Flow(nn.Module):
    """RAFT takes two pictures; the last of its estimates is the one that counts."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        return self.net(before, after, num_flow_updates=2)[-1]


@entry(
    Input("before", (1, 3, 128, 128), (2, 3, 128, 128), picture=True),
    Input("after", (1, 3, 128, 128), (2, 3, 128, 128), picture=True),
)
def raft() -> nn.Module:
    return Flow(optical_flow.raft_small(weights=None))
