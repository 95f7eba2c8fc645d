// java.net.Proxy of kind SOCKS: Fetch.java [USER PASSWORD] URL; prints the body.
import java.io.IOException;
import java.net.Authenticator;
import java.net.InetSocketAddress;
import java.net.PasswordAuthentication;
import java.net.Proxy;
import java.net.URL;

class Fetch {
    public static void main(String[] arguments) throws IOException {
        if (arguments.length == 3) {
            logInAs(arguments[0], arguments[1]);
        }
        Proxy proxy = new Proxy(Proxy.Type.SOCKS, new InetSocketAddress("10.77.1.1", 1080));
        try (var body = new URL(arguments[arguments.length - 1]).openConnection(proxy).getInputStream()) {
            body.transferTo(System.out);
        }
    }

    private static void logInAs(String user, String password) {
        Authenticator.setDefault(new Authenticator() {
            @Override
            protected PasswordAuthentication getPasswordAuthentication() {
                return new PasswordAuthentication(user, password.toCharArray());
            }
        });
    }
}
