package oom143;

import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Appends events to the file in OOM143_EVENTS. It knows JUnit by reflection only, so that it works
 * with any version and needs none to be compiled. An id is what Surefire's -Dtest takes:
 * com.example.FooTest#bar, and FooTest#bar[1] for an invocation of a parameterized test.
 */
public final class Hook {
    private static final int MAX_LINE = 4095;
    private static final int MAX_ID = 3000;
    private static final int MAX_PLACES = 10000;
    private static final Pattern INVOCATION = Pattern.compile(":#(\\d+)\\]");
    private static final String[] LANGUAGES = {"java", "kotlin", "groovy", "scala"};

    private static final String path = System.getenv("OOM143_EVENTS");
    private static FileOutputStream events;
    private static String pid;
    private static final Map<String, String> places = new HashMap<>();

    private Hook() {}

    static boolean active() {
        return path != null && !path.isEmpty() && new File(path).isFile();
    }

    static void loaded() {
        emit("loaded", null, null, null);
    }

    /** The test of an org.junit.runner.Description starts. */
    public static void started4(Object description) {
        report4("start", description);
    }

    /** The test of an org.junit.runner.Description is over. */
    public static void finished4(Object description) {
        report4("finish", description);
    }

    /** The test, if it is one, of an org.junit.platform.engine.TestDescriptor starts. */
    public static void started5(Object descriptor) {
        report5("start", descriptor, null);
    }

    /** The test of a TestDescriptor is over, with an org.junit.platform.engine.TestExecutionResult. */
    public static void finished5(Object descriptor, Object result) {
        report5("finish", descriptor, result);
    }

    private static void report4(String action, Object description) {
        try {
            Class<?> type = description.getClass();
            while (!type.getName().equals("org.junit.runner.Description")) {
                type = type.getSuperclass();
            }
            String className = (String) type.getMethod("getClassName").invoke(description);
            String method = (String) type.getMethod("getMethodName").invoke(description);
            if (method == null) {
                emit(action, String.valueOf(description), null, null);
                return;
            }
            Class<?> test = action.equals("start") ? (Class<?>) type.getMethod("getTestClass").invoke(description) : null;
            emit(action, className + "#" + method, place(test, method.replaceFirst("\\[.*", "")), null);
        } catch (Throwable e) {
            return; // a report must not fail a test
        }
    }

    private static void report5(String action, Object descriptor, Object result) {
        try {
            ClassLoader loader = descriptor.getClass().getClassLoader();
            Class<?> type = Class.forName("org.junit.platform.engine.TestDescriptor", false, loader);
            String unique = String.valueOf(type.getMethod("getUniqueId").invoke(descriptor));
            // The vintage engine runs JUnit 4, which reports by itself.
            if (!(Boolean) type.getMethod("isTest").invoke(descriptor) || unique.startsWith("[engine:junit-vintage]")) {
                return;
            }
            String outcome = result == null ? null : outcome(String.valueOf(call(result, "getStatus")));
            Object source = ((Optional<?>) type.getMethod("getSource").invoke(descriptor)).orElse(null);
            if (source == null || !source.getClass().getName().endsWith(".MethodSource")) {
                emit(action, unique, null, outcome);
                return;
            }
            String className = (String) call(source, "getClassName"), method = (String) call(source, "getMethodName");
            StringBuilder id = new StringBuilder(className).append('#').append(method);
            for (Matcher m = INVOCATION.matcher(unique); m.find();) {
                id.append('[').append(m.group(1)).append(']');
            }
            Class<?> test = action.equals("start") ? Class.forName(className, false, Thread.currentThread().getContextClassLoader()) : null;
            emit(action, id.toString(), place(test, method), outcome);
        } catch (Throwable e) {
            return; // a report must not fail a test
        }
    }

    private static Object call(Object object, String method) throws ReflectiveOperationException {
        return object.getClass().getMethod(method).invoke(object);
    }

    private static String outcome(String status) {
        switch (status) {
            case "SUCCESSFUL":
                return "passed";
            case "ABORTED":
                return "skipped";
            default:
                return "failed";
        }
    }

    /** The file and line that define a test as members of an event, "" where they are not found. */
    private static synchronized String place(Class<?> test, String method) {
        if (test == null) {
            return "";
        }
        String key = test.getName() + "#" + method;
        String found = places.get(key);
        if (found == null && places.size() < MAX_PLACES) {
            found = find(test, method);
            places.put(key, found);
        }
        return found == null ? "" : found;
    }

    private static String find(Class<?> test, String method) {
        try {
            Class<?> owner = test;
            while (owner != null && !declares(owner, method)) {
                owner = owner.getSuperclass();
            }
            File file = owner == null ? null : source(owner);
            if (file == null) {
                return "";
            }
            String text = new String(Files.readAllBytes(file.toPath()), StandardCharsets.UTF_8);
            int line = declaration(text, method);
            return ",\"file\":" + quote(file.getPath(), MAX_LINE) + (line > 0 ? ",\"line\":" + line : "");
        } catch (Throwable e) {
            return "";
        }
    }

    private static boolean declares(Class<?> type, String method) {
        for (Method m : type.getDeclaredMethods()) {
            if (m.getName().equals(method)) {
                return true;
            }
        }
        return false;
    }

    /** src/SET/LANGUAGE/PACKAGE/CLASS.LANGUAGE below the folder that Surefire and Gradle run tests in. */
    private static File source(Class<?> type) {
        String name = type.getName().replaceFirst("\\$.*", "").replace('.', '/');
        File[] sets = new File(System.getProperty("user.dir"), "src").listFiles();
        for (File set : sets == null ? new File[0] : sets) {
            for (String language : LANGUAGES) {
                File file = new File(set, language + "/" + name + (language.equals("kotlin") ? ".kt" : "." + language));
                if (file.isFile()) {
                    return file;
                }
            }
        }
        return null;
    }

    /** The line, from 1, of the only declaration of a method; 0 if there is none or there are more. */
    private static int declaration(String text, String method) {
        String name = "[`'\"]?" + Pattern.quote(method) + "[`'\"]?\\s*\\(";
        Matcher m = Pattern.compile("^[ \\t]*(?:@[^\\n;{}]*?[ \\t])?(?:[\\w.<>\\[\\],?]+[ \\t]+)+" + name, Pattern.MULTILINE).matcher(text);
        int line = 0, from = 0, at = 1;
        while (m.find()) {
            if (m.group().matches("(?s)\\s*(return|new|else|throw|await|assert)\\s.*")) {
                continue; // a call
            }
            if (line > 0) {
                return 0;
            }
            for (; from < m.end(); from++) {
                at += text.charAt(from) == '\n' ? 1 : 0;
            }
            line = at;
        }
        return line;
    }

    /** Appends an event with one write(2); place is as from place(). */
    private static synchronized void emit(String action, String id, String place, String outcome) {
        try {
            if (events == null) {
                if (!active()) {
                    return;
                }
                events = new FileOutputStream(path, true);
                pid = new File("/proc/self").getCanonicalFile().getName();
            }
            String line = "{\"e\":\"" + action + "\",\"fw\":\"junit\",\"pid\":" + pid + ",\"t\":" + System.currentTimeMillis() + resident()
                + (id == null ? "" : ",\"id\":" + quote(id, MAX_ID)) + (outcome == null ? "" : ",\"outcome\":\"" + outcome + "\"");
            byte[] bytes = (line + (place == null ? "" : place) + "}\n").getBytes(StandardCharsets.UTF_8);
            if (bytes.length > MAX_LINE) {
                bytes = (line + "}\n").getBytes(StandardCharsets.UTF_8);
            }
            events.write(bytes);
        } catch (Throwable e) {
            return; // the file is gone, the disk is full
        }
    }

    /** Resident memory, VmRSS in kB of proc_pid_status(5), as a member of an event. */
    private static String resident() {
        byte[] buffer = new byte[4096];
        try (FileInputStream in = new FileInputStream("/proc/self/status")) {
            String status = new String(buffer, 0, Math.max(0, in.read(buffer)), StandardCharsets.ISO_8859_1);
            int from = status.indexOf("VmRSS:") + 6, to = status.indexOf(" kB", from);
            return from < 6 || to < 0 ? "" : ",\"rss\":" + Long.parseLong(status.substring(from, to).trim()) * 1024;
        } catch (Exception e) {
            return "";
        }
    }

    /** A JSON string of at most max bytes between its quotes. */
    private static String quote(String text, int max) {
        StringBuilder quoted = new StringBuilder("\"");
        for (int i = 0, length = 0; i < text.length();) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            boolean escape = c < ' ' || c == '"' || c == '\\';
            length += escape ? 6 : c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
            if (length > max) {
                break;
            }
            if (escape) {
                quoted.append(String.format("\\u%04x", c));
            } else {
                quoted.appendCodePoint(c);
            }
        }
        return quoted.append('"').toString();
    }
}
