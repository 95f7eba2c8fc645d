# For Homebrew on Linux, from a tap; RustSocks needs epoll, splice and PAM as Linux has them.
class Rustsocks < Formula
  desc "SOCKS5, SOCKS4(a) and HTTP CONNECT proxy for administrators"
  homepage "https://rustsocks.example"
  url "https://rustsocks.example/releases/v0.1.0.tar.gz"
  # sha256 is added by `brew bump-formula-pr` when there is a release.
  license "MIT"

  depends_on "go-md2man" => :build
  depends_on "llvm" => :build
  depends_on "rust" => :build
  depends_on :linux
  depends_on "linux-pam"

  def install
    ENV["LIBCLANG_PATH"] = Formula["llvm"].opt_lib
    system "cargo", "install", *std_cargo_args
    system "cargo", "install", *std_cargo_args(path: "src/pam", root: buildpath/"helper")
    system "cargo", "install", *std_cargo_args(path: "tui")
    (lib/"rustsocks").install buildpath/"helper/bin/rustsocks-pam"
    system "scripts/man", buildpath/"man"
    man8.install buildpath/"man/rustsocks.8"
    man1.install buildpath/"man/rustsocks-cli.1"
    man5.install buildpath/"man/rustsocks.toml.5", buildpath/"man/rustsocks-acl.5"
    generate_completions_from_executable(bin/"rustsocks", "completions")
    generate_completions_from_executable(bin/"rustsocks-cli", "completions")
    (etc/"rustsocks").install "config/rustsocks.toml", "config/acl.toml"
    pkgshare.install "config/examples", "deploy"
  end

  service do
    run [opt_bin/"rustsocks", "--config", etc/"rustsocks/rustsocks.toml"]
    keep_alive true
    working_dir var
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/rustsocks --version")
    assert_match version.to_s, shell_output("#{bin}/rustsocks-cli --version")
    assert_match "correct; listens on 127.0.0.1:1080", shell_output("#{bin}/rustsocks check")
  end
end
