//! A camera by GStreamer's own RTSP server, for tests.

use gst_rtsp_server::RTSPMediaFactory;
use gst_rtsp_server::RTSPServer;
use gst_rtsp_server::prelude::*;

/// Serves what a factory makes until the process ends; the URL of its stream.
pub(crate) fn served(server: impl IsA<RTSPServer> + Send, factory: impl IsA<RTSPMediaFactory>) -> String {
    server.set_service("0");
    server.mount_points().unwrap().add_factory("/cam", factory);
    let context = gst::glib::MainContext::new();
    let _id = server.attach(Some(&context)).unwrap();
    let url = format!("rtsp://127.0.0.1:{}/cam", server.bound_port());
    let serve = move || {
        let _server = server;
        gst::glib::MainLoop::new(Some(&context), false).run();
    };
    std::thread::Builder::new().name("camera".to_owned()).spawn(serve).unwrap();
    url
}
