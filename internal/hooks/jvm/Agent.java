package oom143;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.ProtectionDomain;

/**
 * Lets JUnit 4's RunNotifier and the JUnit Platform's ExecutionListenerAdapter (1.0 and later) call
 * Hook first. The methods below get a new name, and a method of the old name that calls Hook and then
 * them: code that has no branch, so nothing else in the class changes (JVMS, chapter 4).
 */
public final class Agent implements ClassFileTransformer {
    private static final String DESCRIPTION = "(Lorg/junit/runner/Description;)V";
    private static final String DESCRIPTOR = "(Lorg/junit/platform/engine/TestDescriptor;)V";
    private static final String RESULT = "(Lorg/junit/platform/engine/TestDescriptor;Lorg/junit/platform/engine/TestExecutionResult;)V";

    /** class, method, descriptor, arguments, method of Hook */
    private static final Object[][] METHODS = {
        {"org/junit/runner/notification/RunNotifier", "fireTestStarted", DESCRIPTION, 1, "started4"},
        {"org/junit/runner/notification/RunNotifier", "fireTestFinished", DESCRIPTION, 1, "finished4"},
        {"org/junit/platform/launcher/core/ExecutionListenerAdapter", "executionStarted", DESCRIPTOR, 1, "started5"},
        {"org/junit/platform/launcher/core/ExecutionListenerAdapter", "executionFinished", RESULT, 2, "finished5"},
    };

    public static void premain(String arguments, Instrumentation instrumentation) {
        try {
            if (Hook.active()) {
                instrumentation.addTransformer(new Agent());
            }
        } catch (Throwable e) {
            return; // an exception here would end the JVM
        }
    }

    @Override
    public byte[] transform(ClassLoader loader, String name, Class<?> old, ProtectionDomain domain, byte[] bytes) {
        byte[] changed = null;
        try {
            for (Object[] method : METHODS) {
                // A loader that does not find this very Hook could not run the changed class.
                if (method[0].equals(name) && old == null && Class.forName("oom143.Hook", false, loader) == Hook.class) {
                    byte[] next = new ClassFile(changed == null ? bytes : changed).prefix(
                        (String) method[1], (String) method[2], (Integer) method[3], (String) method[4]);
                    changed = next == null ? changed : next;
                }
            }
            if (changed != null) {
                Hook.loaded();
            }
        } catch (Throwable e) {
            return null; // the class looks different: it stays as it is
        }
        return changed;
    }

    /** A class file (JVMS 4.1) of which one method is to be prefixed. */
    private static final class ClassFile {
        private final byte[] bytes;
        private final ByteBuffer in;
        private final String[] utf8;
        private final int constants, constantsEnd;

        ClassFile(byte[] bytes) {
            this.bytes = bytes;
            in = ByteBuffer.wrap(bytes);
            in.position(8);
            constants = u2();
            utf8 = new String[constants];
            for (int i = 1; i < constants; i++) {
                i += constant(i);
            }
            constantsEnd = in.position();
        }

        /** Reads a constant (JVMS 4.4) and tells how many more indices it takes. */
        private int constant(int index) {
            switch (in.get()) {
                case 1: // Utf8
                    byte[] text = new byte[u2()];
                    in.get(text);
                    utf8[index] = new String(text, StandardCharsets.UTF_8);
                    return 0;
                case 3: case 4: case 9: case 10: case 11: case 12: case 17: case 18:
                    skip(4);
                    return 0;
                case 5: case 6: // Long, Double
                    skip(8);
                    return 1;
                case 7: case 8: case 16: case 19: case 20:
                    skip(2);
                    return 0;
                case 15: // MethodHandle
                    skip(3);
                    return 0;
                default:
                    throw new IllegalArgumentException("unknown constant");
            }
        }

        /** The class with the method prefixed, null if it has no such method. */
        byte[] prefix(String method, String descriptor, int arguments, String hook) throws IOException {
            skip(2);
            int thisClass = u2();
            skip(2);
            skip(2 * u2()); // interfaces
            for (int fields = u2(); fields > 0; fields--) {
                skip(6);
                attributes();
            }
            int countAt = in.position();
            int found = -1;
            int methods = u2();
            for (int i = 0; i < methods; i++) {
                int at = in.position();
                skip(2);
                if (method.equals(utf8[u2()]) & descriptor.equals(utf8[u2()])) {
                    found = at;
                }
                attributes();
            }
            if (found < 0 || constants > 0xff00) {
                return null;
            }
            int methodsEnd = in.position();

            ByteArrayOutputStream buffer = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(buffer);
            out.write(bytes, 0, 8);
            out.writeShort(constants + 10);
            out.write(bytes, 10, constantsEnd - 10);
            int first = constants;
            utf8(out, "oom143$" + method);                     // first
            utf8(out, "oom143/Hook");                          // + 1
            out.writeByte(7); out.writeShort(first + 1);       // + 2 Class
            utf8(out, hook);                                   // + 3
            utf8(out, arguments == 1 ? "(Ljava/lang/Object;)V" : "(Ljava/lang/Object;Ljava/lang/Object;)V"); // + 4
            pair(out, 12, first + 3, first + 4);               // + 5 NameAndType
            pair(out, 10, first + 2, first + 5);               // + 6 Methodref of Hook
            int name = in.getShort(found + 2) & 0xffff, type = in.getShort(found + 4) & 0xffff;
            pair(out, 12, first, type);                        // + 7 NameAndType
            pair(out, 10, thisClass, first + 7);               // + 8 Methodref of the renamed method
            utf8(out, "Code");                                 // + 9

            out.write(bytes, constantsEnd, countAt - constantsEnd);
            out.writeShort(methods + 1);
            out.write(bytes, countAt + 2, found + 2 - countAt - 2);
            out.writeShort(first);
            out.write(bytes, found + 4, methodsEnd - found - 4);

            out.writeShort(in.getShort(found) & ~0x0520); // not synchronized, native or abstract
            out.writeShort(name);
            out.writeShort(type);
            code(out, first, arguments);
            out.write(bytes, methodsEnd, bytes.length - methodsEnd);
            return buffer.toByteArray();
        }

        /** Hook.hook(arguments); this.renamed(arguments); return; */
        private static void code(DataOutputStream out, int first, int arguments) throws IOException {
            int length = 2 * arguments + 1 + 3 + 3 + 1;
            out.writeShort(1); // attributes
            out.writeShort(first + 9);
            out.writeInt(12 + length);
            out.writeShort(1 + arguments); // stack
            out.writeShort(1 + arguments); // locals
            out.writeInt(length);
            for (int i = 1; i <= arguments; i++) {
                out.writeByte(0x2a + i); // aload_1, aload_2
            }
            pair(out, 0xb8, first + 6); // invokestatic
            for (int i = 0; i <= arguments; i++) {
                out.writeByte(0x2a + i); // aload_0, aload_1, aload_2
            }
            pair(out, 0xb6, first + 8); // invokevirtual
            out.writeByte(0xb1); // return
            out.writeShort(0); // exceptions
            out.writeShort(0); // attributes
        }

        private static void utf8(DataOutputStream out, String text) throws IOException {
            out.writeByte(1);
            out.writeUTF(text);
        }

        private static void pair(DataOutputStream out, int tag, int... indices) throws IOException {
            out.writeByte(tag);
            for (int index : indices) {
                out.writeShort(index);
            }
        }

        private void attributes() {
            for (int i = u2(); i > 0; i--) {
                skip(2);
                skip(in.getInt());
            }
        }

        private int u2() {
            return in.getShort() & 0xffff;
        }

        private void skip(int length) {
            in.position(in.position() + length);
        }
    }
}
