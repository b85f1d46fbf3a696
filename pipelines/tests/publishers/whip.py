"""Publishes a transport stream by WHIP until its input closes: whip.py URL TOKEN FILE [CODEC].

Says `published STATUS`, and at the end `ended STATUS`. It is aiortc, another WebRTC than GStreamer's, and it sends the file's H.264
as it is coded; with a CODEC it offers that instead.
"""

import asyncio
import sys
import urllib.error
import urllib.request
from urllib.parse import urljoin

import aioice.ice
from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer

# On a machine without a network there is nothing but loopback.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6, found=aioice.ice.get_host_addresses: (
    found(use_ipv4, use_ipv6) or ["127.0.0.1"]
)


def ask(method, url, token, body=None):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    request = urllib.request.Request(url, data=body and body.encode(), headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode(), answer.headers.get("Location")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), None


async def main(url, token, path, codec="H264"):
    loop = asyncio.get_running_loop()
    connection = RTCPeerConnection()
    player = MediaPlayer(path, decode=codec != "H264")
    transceiver = connection.addTransceiver(player.video, direction="sendonly")
    codecs = RTCRtpSender.getCapabilities("video").codecs
    transceiver.setCodecPreferences([one for one in codecs if one.name in (codec, "rtx")])
    await connection.setLocalDescription(await connection.createOffer())
    offer = connection.localDescription.sdp
    status, text, location = await loop.run_in_executor(None, ask, "POST", url, token, offer)
    print(f"published {status} {text if status != 201 else ''}".strip(), flush=True)
    if status == 201:
        await connection.setRemoteDescription(RTCSessionDescription(text, "answer"))
        await loop.run_in_executor(None, sys.stdin.read)
        status, _, _ = await loop.run_in_executor(None, ask, "DELETE", urljoin(url, location), token)
        print(f"ended {status}", flush=True)
    await connection.close()


asyncio.run(main(*sys.argv[1:]))
