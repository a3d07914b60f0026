import Foundation
import Testing

/// nginx with the file that this project ships, on a free port of the loopback address.
final class Nginx: Sendable {
    let port: Int
    private let child: ChildProcess

    /// On Debian it is where only root looks.
    static var program: String? {
        let places = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx"]
        return (try? Tool.path("nginx")) ?? places.first(where: FileManager.default.isExecutableFile(atPath:))
    }

    private init(port: Int, child: ChildProcess) {
        self.port = port
        self.child = child
    }

    /// Starts it in front of `service`, without TLS, and waits until it listens.
    static func start(before service: ServiceProcess) async throws -> Nginx {
        let port = try PlainSocket.freePort()
        // A free port may look like one of those that are replaced, so both come last.
        let site = try shippedFile().replacing("listen 443 ssl", with: "listen OUTSIDE")
            .replacing(/\n *ssl_.*/, with: "").replacing("127.0.0.1:4810", with: "INSIDE")
        #expect(!site.contains(/443|4810|ssl_/))
        let moved = site.replacing("OUTSIDE", with: "127.0.0.1:\(port)")
            .replacing("INSIDE", with: "127.0.0.1:\(service.port)")
        let child = try run(moved, in: service.scratch, ["-g", "daemon off;"])
        while (try? PlainSocket.exchange(port: port, "GET / HTTP/1.0\r\n\r\n")) == nil {
            try Task.checkCancellation()
            try #require(!child.standardError.contains("[emerg]"), "\(child.standardError)")
            await Task.yield()
        }
        return Nginx(port: port, child: child)
    }

    /// Has nginx judge the file with a certificate that is made for it, and an address of this machine alone.
    ///
    /// - Returns: The exit status, and what nginx said.
    static func test(in scratch: Scratch) async throws -> (status: Int32, text: String) {
        let key = ["-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-subj", "/CN=queue.example.org"]
        let maker = try ChildProcess(Tool.path("openssl"), ["req", "-x509", "-out", "cert.pem"] + key, in: scratch)
        try #require(await maker.waitForExit() == 0)
        let site = try shippedFile()
            .replacing("listen 443 ", with: "listen OUTSIDE ")
            .replacing("/etc/ssl/certs/queue.example.org.pem", with: scratch.path + "/cert.pem")
            .replacing("/etc/ssl/private/queue.example.org.key", with: scratch.path + "/key.pem")
        #expect(!site.contains(/443|\/etc\/ssl/))
        let moved = site.replacing("OUTSIDE", with: "127.0.0.1:\(try PlainSocket.freePort())")
        let child = try run(moved, in: scratch, ["-t"])
        return (await child.waitForExit(), child.standardError)
    }

    /// Ends it at once: a program that is started from here begins with signals blocked, and this one leaves them so.
    func stop() async {
        child.send(signal: SIGKILL)
        _ = await child.waitForExit()
    }

    static func shippedFile() throws -> String {
        String(
            decoding: try Data(contentsOf: WatchingTests.folder.appending(path: "nginx.conf")), as: UTF8.self)
    }

    /// Everything that it writes goes into the scratch directory.
    private static func run(_ site: String, in scratch: Scratch, _ arguments: [String]) throws -> ChildProcess {
        try scratch.write(site, to: "site.conf")
        let places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map { "\($0)_temp_path \(scratch.path)/\($0);" }.joined(separator: " ")
        // One process, which ends with the test.
        let main = """
            master_process off; pid \(scratch.path)/nginx.pid; error_log stderr; events {}
            http { access_log off; \(places) include \(scratch.path)/site.conf; }

            """
        let file = try scratch.write(main, to: "nginx.conf")
        let program = try #require(program)
        return try ChildProcess(program, ["-e", "stderr", "-p", scratch.path, "-c", file] + arguments, in: scratch)
    }
}
